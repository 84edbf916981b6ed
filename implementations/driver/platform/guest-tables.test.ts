import { describe, expect, it } from "vitest";
import { profileNamed as amdViProfileNamed } from "../../../model/amdvi/profiles.js";
import { guestTablesOf } from "../../../model/guest/guest-tables.js";
import { profileNamed as vtdProfileNamed } from "../../../model/vtd/profiles.js";
import { GuestTables } from "./guest-tables.js";
import { platformPartsOf } from "./software.js";
import { UnitBench } from "./testing.js";

describe.each([
  ["EPT", vtdProfileNamed("qemu-48")],
  ["nested page tables", amdViProfileNamed("zen1")],
])("%s", (_, profile) => {
  const { architecture } = profile;

  function created() {
    const bench = new UnitBench(profile);
    const tables = bench.run(GuestTables.create(platformPartsOf(architecture)));
    const seen = (page: number) => guestTablesOf(architecture).walk(bench.memory, tables.topPage, page);
    return { bench, tables, seen };
  }

  it("give a guest what is mapped, with its rights, and nothing else", () => {
    const { bench, tables, seen } = created();
    bench.run(tables.map({ iova: 0x41000, page: 0x1000, pages: 2, access: 3 }));
    bench.run(tables.map({ iova: 0x10, page: 0x1010, pages: 1, access: 1 }));
    expect(seen(0x41001)).toEqual({ page: 0x1001, access: 3 });
    expect(seen(0x10)).toEqual({ page: 0x1010, access: 1 });
    expect(seen(0x41002)).toBeNull();
    expect(seen(0)).toBeNull();
  });

  it("use large pages, and split them", () => {
    const { bench, tables, seen } = created();
    bench.run(tables.map({ iova: 0x1000, page: 0x1200, pages: 512, access: 3 }));
    expect(seen(0x11ff)).toEqual({ page: 0x13ff, access: 3 });
    bench.run(tables.unmap({ iova: 0x1000, page: 0x1200, pages: 1, access: 3 }));
    expect(seen(0x1000)).toBeNull();
    expect(seen(0x11ff)).toEqual({ page: 0x13ff, access: 3 });
  });

  it("take back what is unmapped, and their tables with it", () => {
    const { bench, tables, seen } = created();
    const free = bench.freeTables;
    const mapping = { iova: 0x41000, page: 0x1000, pages: 2, access: 3 };
    bench.run(tables.map(mapping));
    expect(bench.freeTables).toBe(free - 3);
    bench.run(tables.unmap(mapping));
    expect(seen(0x41000)).toBeNull();
    expect(bench.freeTables).toBe(free);
  });
});
