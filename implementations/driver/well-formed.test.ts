import { describe, expect, it } from "vitest";
import type { PlatformProfile } from "../../model/vtd/profile.js";
import { profileNamed, profiles } from "../../model/vtd/profiles.js";
import type { Access } from "./interface.js";
import { limitsOf, wellFormed } from "./well-formed.js";

const limits = { memoryPages: 0x1000, registerBytes: 0x1000 };
const PAGE = { page: 0xfff };

const GOOD: readonly Access[] = [
  { do: "store", ...PAGE, word: 511, low: 0xffffffff, high: 0 },
  { do: "clear-page", ...PAGE },
  { do: "load", ...PAGE, word: 0 },
  { do: "flush-line", ...PAGE, line: 63 },
  { do: "flush-page", ...PAGE },
  { do: "write-register", offset: 0xff8, width: 8, low: 1, high: 2 },
  { do: "read-register", offset: 0xffc, width: 4 },
  { do: "poll-register", offset: 0x1c, mask: 0x80000000, value: 0 },
  { do: "poll-memory", ...PAGE, word: 1, value: 7 },
  { do: "lock", lock: "" },
  { do: "unlock", lock: "x" },
  { do: "allocate-table" },
  { do: "free-table", ...PAGE },
  { do: "reset-device", requester: 0xffff },
  { do: "settled", ticket: 1 },
];

describe("wellFormed", () => {
  it.each(GOOD.map((one) => [one.do, one] as const))(
    "takes %s, as a copy without what does not belong",
    (_, access) => {
      const taken = wellFormed({ ...access, comment: "mine" }, limits);
      expect(taken).toEqual(access);
    },
  );

  it.each(GOOD.map((one) => [one.do, one] as const))("takes %s with every field only", (_, access) => {
    for (const field of Object.keys(access).filter((one) => one !== "do")) {
      const { [field]: _left, ...rest } = access as unknown as Record<string, unknown>;
      expect(() => wellFormed(rest, limits)).toThrow(new RegExp(`^${field} has to be`));
    }
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["page", { do: "load", page: 0x1000, word: 0 }, /^page has to be a whole number from 0 to 0xfff$/],
    ["page", { do: "clear-page", page: -1 }, /^page has to be/],
    ["page", { do: "flush-page", page: 1.5 }, /^page has to be/],
    ["page", { do: "free-table", page: "7" }, /^page has to be/],
    ["page", { do: "free-table", page: 7n }, /^page has to be/],
    ["page", { do: "free-table", page: Number.NaN }, /^page has to be/],
    ["word", { do: "load", page: 0, word: 512 }, /^word has to be a whole number from 0 to 0x1ff$/],
    ["line", { do: "flush-line", page: 0, line: 64 }, /^line has to be a whole number from 0 to 0x3f$/],
    ["high", { do: "store", page: 0, word: 0, low: 0, high: 2 ** 32 }, /^high has to be .* 0xffffffff$/],
    ["low", { do: "store", page: 0, word: 0, low: -1, high: 0 }, /^low has to be .* by >>> 0$/],
    ["low", { do: "store", page: 0, word: 0, low: 1n, high: 0 }, /^low has to be/],
    ["mask", { do: "poll-register", offset: 0, mask: 0.5, value: 0 }, /^mask has to be/],
    ["offset", { do: "poll-register", offset: 2, mask: 0, value: 0 }, /^offset has to be a multiple of 4$/],
    ["offset", { do: "read-register", offset: 0x1c, width: 8 }, /^offset has to be a multiple of 8$/],
    ["offset", { do: "read-register", offset: 0x1000, width: 4 }, /^offset has to be .* 0xfff$/],
    ["width", { do: "write-register", offset: 0, width: 2, low: 0, high: 0 }, /^width has to be 4 or 8$/],
    ["lock", { do: "lock", lock: 5 }, /^lock has to be a string$/],
    ["requester", { do: "reset-device", requester: 0x10000 }, /^requester has to be/],
    ["ticket", { do: "settled", ticket: "1" }, /^ticket has to be/],
    ["do", { do: "request" }, /^do has to be one of store, .*, settled$/],
    ["do", { do: "constructor" }, /^do has to be one of/],
    ["do", {}, /^do has to be one of/],
  ])("refuses a wrong %s: %o", (_, access, message) => {
    expect(() => wellFormed(access, limits)).toThrow(expect.objectContaining({ name: "Malformed" }));
    expect(() => wellFormed(access, limits)).toThrow(message);
  });

  it.each([undefined, null, 5, "store", () => undefined])("refuses %s", (value) => {
    expect(() => wellFormed(value, limits)).toThrow(/^an access has to be an object/);
  });
});

describe("limitsOf", () => {
  it("gives the memory of the profile and whole pages of registers", () => {
    const profile = profileNamed("skylake-sp");
    expect(limitsOf(profile)).toEqual({ memoryPages: profile.memoryPages, registerBytes: 4096 });
  });

  it("covers fault records that lie in a further page", () => {
    const { capability } = profileNamed("skylake-sp");
    // CAP.FRO, bits 33:24, counts 16 bytes.
    const far = { low: capability.low, high: capability.high | 1 };
    const profile: PlatformProfile = { ...profileNamed("skylake-sp"), capability: far };
    expect(limitsOf(profile).registerBytes).toBe(8192);
  });

  it("is the same for every profile the suite knows: they have their registers in one page", () => {
    expect(profiles.map((one) => limitsOf(one).registerBytes)).toEqual(profiles.map(() => 4096));
  });
});
