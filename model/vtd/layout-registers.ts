/** Registers beyond legacy mode, and the capability registers with all their fields (VT-d 11.4). */
import { type FieldRow, type Register, register } from "../words/register-file.js";
import { asAddress, asPowerOfTwo } from "../words/shown-fields.js";
import { capabilityLayout, extendedCapabilityLayout } from "./capabilities.js";
import { Offset } from "./registers.js";

const rowsOf = (of: typeof capabilityLayout): FieldRow[] =>
  of.fields
    .filter((one) => one.kind === "field")
    .map((one) => [one.name, `${one.high}:${one.low}`, "RO", one.meaning, one.says]);

const event = (control: string, data: string, address: string, upper: string, at: number, n: number) => [
  register(control, `11.4.11.${n}`, at, 32, [
    ["IM", "31", "RW", "interrupt mask"],
    ["IP", "30", "RO", "interrupt pending"],
  ]),
  register(data, `11.4.11.${n + 1}`, at + 4, 32, [["IMD", "15:0", "RW", "data"]]),
  register(address, `11.4.11.${n + 2}`, at + 8, 32, [["MA", "31:2", "RW", "message address", asAddress(2)]]),
  register(upper, `11.4.11.${n + 3}`, at + 12, 32, [["MUA", "31:0", "RW", "message upper address"]]),
];

/** Declared here for what they say; the model of legacy mode has no use for them. */
export const furtherRegisters: readonly Register[] = [
  register("CAP_REG", "11.4.2", Offset.CAP, 64, rowsOf(capabilityLayout)),
  register("ECAP_REG", "11.4.3", Offset.ECAP, 64, rowsOf(extendedCapabilityLayout)),
  register("IRTA_REG", "11.4.10", 0xb8, 64, [
    ["S", "3:0", "RW", "size", asPowerOfTwo("entries", 1)],
    ["EIME", "11", "RW", "extended interrupt mode enable"],
    ["IRTA", "63:12", "RW", "interrupt remapping table address", asAddress(12)],
  ]),
  register("PQH_REG", "11.4.11.1", 0xc0, 64, [
    ["PQH", "18:5", "RW", "page request queue head", asAddress(5)],
  ]),
  register("PQT_REG", "11.4.11.2", 0xc8, 64, [
    ["PQT", "18:5", "RW", "page request queue tail", asAddress(5)],
  ]),
  register("PQA_REG", "11.4.11.3", 0xd0, 64, [
    ["PQS", "2:0", "RW", "page request queue size", asPowerOfTwo("requests", 7)],
    ["PQA", "63:12", "RW", "page request queue address", asAddress(12)],
  ]),
  register("PRS_REG", "11.4.11.4", 0xdc, 32, [
    ["PPR", "0", "RW1C", "pending page request"],
    ["PRO", "1", "RW1C", "page request overflow"],
  ]),
  ...event("PECTL_REG", "PEDATA_REG", "PEADDR_REG", "PEUADDR_REG", 0xe0, 5),
];
