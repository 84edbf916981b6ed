/**
 * What comes before and after the actions of a run, on a machine that was just started: PCI configuration, the way to
 * where a run starts, and the end of translation, so that devices can show what they fetched.
 */
import type { Word } from "../../../../model/trace.js";
import { type HostPage, showRequester } from "../../../../model/words/address.js";
import { ImplementationError, type RunSetup } from "../../interface.js";
import {
  ADDRESS as AMD_VI,
  Register as AmdVi,
  COMMAND_BYTES,
  Command,
  Control,
  DEVICE_ENTRY_BYTES,
  RING_LENGTH,
} from "../amdvi/registers.js";
import { PAGE_BYTES } from "../memory.js";
import type { Blueprint } from "../options.js";
import { type Bars, bridgesOf, CONFIG_ADDRESS, CONFIG_DATA, configuration, selector } from "../pci.js";
import { Command as Global, ADDRESS as VTD, Register as Vtd } from "../vtd/registers.js";
import { type Line, wordOf } from "./lines.js";

/** Bits 63:60 of CCMD_REG and of IOTLB_REG for a global invalidation. */
const CONTEXT_GLOBAL: Word = { low: 0, high: 0xa0000000 };
const IOTLB_GLOBAL: Word = { low: 0, high: 0x90000000 };
/** The first half of a device table entry with V = 1 and TV = 0: nothing gets through. */
const BLOCKING = 1;

/** What firmware would do. */
export function configureLines(machine: Blueprint, bars: Bars): Line[] {
  return configuration(bridgesOf(machine), bars).flatMap(({ id, register, value, meaning }): Line[] => [
    out(CONFIG_ADDRESS, selector(id, register), `${showRequester(id)}: ${meaning}`),
    out(CONFIG_DATA, value >>> 0, ""),
  ]);
}

/** The way to where a run starts. A page at `spare` that nothing else uses may be written. */
export function startLines(setup: RunSetup, machine: Blueprint, spare: HostPage): Line[] {
  if (setup.start === "reset") return [];
  return setup.profile.architecture === "vtd" ? vtdLines(setup) : amdViLines(setup, machine, spare);
}

/** What lets devices reach memory as it is. */
export function offLines({ profile }: RunSetup): Line[] {
  return profile.architecture === "vtd"
    ? [register(Vtd.globalCommand, 4, 0, "translation off", VTD)]
    : [register(AmdVi.control, 8, 0, "the unit off", AMD_VI)];
}

function vtdLines({ rootPage, queuePage }: RunSetup): Line[] {
  const write = (offset: number, width: 4 | 8, value: number | Word, comment: string) =>
    register(offset, width, value, comment, VTD);
  return [
    { do: "heading", text: "Translation on, with an empty root table, empty caches and an empty queue" },
    write(Vtd.rootTable, 8, rootPage * PAGE_BYTES, "RTADDR_REG: the root table"),
    write(Vtd.globalCommand, 4, Global.setRoot, "GCMD_REG: SRTP"),
    write(Vtd.contextCommand, 8, CONTEXT_GLOBAL, "CCMD_REG: the whole context cache"),
    write(Vtd.iotlbInvalidate, 8, IOTLB_GLOBAL, "IOTLB_REG: the whole IOTLB"),
    write(Vtd.queueTail, 8, 0, "IQT_REG"),
    write(Vtd.queueAddress, 8, queuePage * PAGE_BYTES, "IQA_REG: 256 descriptors of 16 bytes"),
    write(Vtd.globalCommand, 4, Global.queue, "GCMD_REG: QIE"),
    write(Vtd.globalCommand, 4, (Global.queue | Global.translation) >>> 0, "GCMD_REG: QIE and TE"),
  ];
}

/** QEMU from 10.2 on learns from INVALIDATE_DEVTAB_ENTRY, and from nothing else, that a device is to be translated. */
function amdViLines(setup: RunSetup, machine: Blueprint, spare: HostPage): Line[] {
  const { rootPage, rootPages, queuePage, logPage } = setup;
  if (logPage === null) throw new ImplementationError("a run on amd-iommu needs a page for the event log");
  const write = (offset: number, value: number | Word, comment: string) =>
    register(offset, 8, value, comment, AMD_VI);
  const commands = [
    ...machine.requesters.map((id) => ({
      low: id,
      high: Command.invalidateDevtabEntry,
      comment: `INVALIDATE_DEVTAB_ENTRY of ${showRequester(id)}`,
    })),
    { low: 0, high: Command.invalidateIommuAll, comment: "INVALIDATE_IOMMU_ALL" },
  ];
  return [
    { do: "heading", text: "The unit on, with empty caches and a device table that blocks every request" },
    {
      do: "fill",
      address: rootPage * PAGE_BYTES,
      count: (rootPages * PAGE_BYTES) / DEVICE_ENTRY_BYTES,
      stride: DEVICE_ENTRY_BYTES,
      value: BLOCKING,
      comment: "V = 1 and TV = 0 in every entry",
    },
    write(AmdVi.deviceTableBase, rootPage * PAGE_BYTES + rootPages - 1, "DevTabBase"),
    ...commands.map(
      ({ low, high, comment }, index): Line => ({
        do: "write",
        width: 8,
        address: spare * PAGE_BYTES + index * COMMAND_BYTES,
        value: { low, high },
        comment,
      }),
    ),
    write(AmdVi.commandBase, ring(spare), "CmdBase: a buffer of 256 commands for the start"),
    write(AmdVi.eventBase, ring(logPage), "EvtBase: a log of 256 events"),
    write(AmdVi.control, Control.iommu | Control.commandBuffer, "Control: IommuEn, CmdBufEn"),
    write(AmdVi.commandTail, commands.length * COMMAND_BYTES, "CmdTail: they are carried out"),
    write(AmdVi.control, 0, "Control"),
    write(AmdVi.commandBase, ring(queuePage), "CmdBase: the buffer of the run"),
    write(AmdVi.commandHead, 0, "CmdHead"),
    write(AmdVi.commandTail, 0, "CmdTail"),
    write(
      AmdVi.control,
      Control.iommu | Control.eventLog | Control.commandBuffer,
      "Control: IommuEn, EventLogEn, CmdBufEn",
    ),
  ];
}

function ring(page: HostPage): Word {
  return { low: page * PAGE_BYTES, high: RING_LENGTH };
}

function out(port: number, value: number, comment: string): Line {
  return { do: "out", port, value, comment };
}

function register(offset: number, width: 4 | 8, value: number | Word, comment: string, base: number): Line {
  const word = typeof value === "number" ? wordOf(value) : value;
  return { do: "write", width, address: base + offset, value: word, comment };
}
