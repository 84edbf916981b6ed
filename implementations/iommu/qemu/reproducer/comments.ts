/** What the comments beside commands say: registers and their fields, and whose memory an address is. */
import { platformOf as amdViPlatformOf, amdViProfile } from "../../../../model/amdvi/profile.js";
import { registersOf as amdViRegistersOf } from "../../../../model/amdvi/registers.js";
import type { Profile } from "../../../../model/profile.js";
import type { Word } from "../../../../model/trace.js";
import { platformOf as vtdPlatformOf, vtdProfile } from "../../../../model/vtd/profile.js";
import { registersOf as vtdRegistersOf } from "../../../../model/vtd/registers.js";
import { showAddress } from "../../../../model/words/address.js";
import type { Layout } from "../../../../model/words/layout.js";
import { rawValue } from "../../../../model/words/shown-fields.js";
import type { RunSetup } from "../../interface.js";

interface Register {
  readonly name: string;
  readonly offset: number;
  readonly layout: Layout;
}

/** The registers of a platform, for those who write about them. */
export class RegisterNames {
  readonly #registers: readonly Register[];

  constructor(profile: Profile) {
    this.#registers =
      profile.architecture === "vtd"
        ? vtdRegistersOf(vtdPlatformOf(vtdProfile(profile)))
        : amdViRegistersOf(amdViPlatformOf(amdViProfile(profile)));
  }

  /** The register at an offset, as its specification calls it, with the byte in it where it is not its first. */
  nameOf(offset: number): string {
    const register = this.#at(offset);
    if (register === undefined) return `register ${offset.toString(16)}h`;
    return register.offset === offset ? register.name : `${register.name}, byte ${offset - register.offset}`;
  }

  /** What a value in the register says: its fields that are not zero. */
  describe(offset: number, value: Word): string {
    const register = this.#at(offset);
    if (register === undefined) return this.nameOf(offset);
    const fields = fieldsOf(register, offset - register.offset, value);
    return fields.length === 0 ? this.nameOf(offset) : `${this.nameOf(offset)}: ${fields.join(" ")}`;
  }

  #at(offset: number): Register | undefined {
    return this.#registers.find((one) => one.offset <= offset && offset < one.offset + one.layout.width / 8);
  }
}

function fieldsOf({ layout }: Register, byte: number, value: Word): string[] {
  const words = Array.from({ length: Math.ceil(layout.width / 64) }, () => ({ low: 0, high: 0 }));
  const word = words[byte >>> 3]!;
  if (byte % 8 === 4) word.high = value.low;
  else {
    word.low = value.low;
    word.high = value.high;
  }
  return layout.fields
    .filter((one) => one.kind === "field" || one.kind === "address")
    .flatMap((one) => {
      const raw = rawValue(one as never, words);
      if (raw === 0n) return [];
      return one.low === one.high ? [one.name] : [`${one.name}=0x${raw.toString(16)}`];
    });
}

/** What a page of a run is for. */
export function pageInWords(setup: RunSetup, page: number): string {
  const { rootPage, rootPages, queuePage, logPage, dataPages, profile } = setup;
  const isVtd = profile.architecture === "vtd";
  if (page >= rootPage && page < rootPage + rootPages) return isVtd ? "root table" : "device table";
  if (page === queuePage) return isVtd ? "invalidation queue" : "command buffer";
  if (page === logPage) return "event log";
  if (dataPages.includes(page)) return "data page";
  return `table page ${showAddress(page)}`;
}
