/** DMARs that are correct by themselves, with every kind of structure. Their paths are of no machine. */
import { make, type Structure } from "../../model/acpi/structure.js";
import { bytesOfTable } from "../../model/acpi/table.js";
import {
  anddLayout,
  atsrLayout,
  dmarLayout,
  drhdLayout,
  type Hop,
  rhsaLayout,
  rmrrLayout,
  type Scope,
  ScopeType,
  satcLayout,
  sidpLayout,
} from "../../model/vtd/dmar/layouts.js";
import { scopeEntry } from "../../model/vtd/dmar/write.js";
import { Chance } from "../../model/words/chance.js";

const HALF = 128;
const QUARTER = 64;

/** Revision 3.0 of the specification has no SATC, no SIDP and no size of register sets. */
type Revision = "3.0" | "5.10";

/** Bytes of the DMAR that the seed stands for, as that revision of the specification has it. */
export function generateDmar(seed: number, options: { readonly revision?: Revision } = {}): Uint8Array {
  return new DmarDraw(seed, options.revision ?? "5.10").table();
}

class DmarDraw {
  private readonly chance = new Chance();
  /** Paths that are taken, so that no two units claim one. */
  private nextDevice = 0;
  private nextSource = 0;
  private nextPage = 0xfed90;
  private readonly bases: bigint[] = [];
  private readonly namespaceDevices: number[] = [];

  constructor(
    seed: number,
    private readonly revision: Revision,
  ) {
    this.chance.seed(seed);
  }

  table(): Uint8Array {
    const { chance } = this;
    const segments = Array.from({ length: 1 + chance.below(2) }, (_, index) => index * (1 + chance.below(9)));
    const used = [...new Set(segments)];
    const units = used.flatMap((segment) => this.units(segment));
    const regions = Array.from({ length: chance.below(4) }, (_, index) => this.region(index, used));
    const ports = used.filter(() => chance.happens(HALF)).map((segment) => this.ports(segment));
    const near = chance.happens(HALF) ? this.bases.map((base) => this.affinity(base)) : [];
    const declared = this.namespaceDevices.map((deviceNumber) => namespaceDevice(deviceNumber));
    const integrated = this.revision === "3.0" ? [] : this.integrated(used);
    const interruptRemapping = chance.below(2);
    const fields = {
      signature: "DMAR",
      tableLength: 0,
      revision: 1,
      checksum: 0,
      oemId: "MAKER ",
      oemTableId: "MACHINE ",
      oemRevision: chance.bits(),
      creatorId: "TEST",
      creatorRevision: chance.bits(),
      addressWidth: 38 + chance.below(14),
      interruptRemapping,
      x2apicOptOut: interruptRemapping === 1 ? chance.below(2) : 0,
      optIn: chance.below(2),
    };
    return bytesOfTable(
      make(dmarLayout, fields, [...units, ...regions, ...ports, ...near, ...declared, ...integrated]),
    );
  }

  private units(segment: number): Structure[] {
    const others = Array.from({ length: this.chance.below(3) }, () =>
      this.unit(segment, false, [...this.functions(3), ...this.sources()]),
    );
    return [...others, this.unit(segment, true, this.sources())];
  }

  private unit(segment: number, all: boolean, scopes: readonly Scope[]): Structure {
    const size = this.revision === "3.0" ? 0 : this.chance.below(3);
    const page = Math.ceil(this.nextPage / 2 ** size) * 2 ** size;
    this.nextPage = page + 2 ** size;
    const registerBase = BigInt(page) * 4096n;
    this.bases.push(registerBase);
    return make(drhdLayout, { type: 0, includePciAll: Number(all), size, segment, registerBase }, scopes);
  }

  /** A path that no other entry has: its first pair is a new one. */
  private path(most: number): Hop[] {
    const first = this.nextDevice++;
    const more = Array.from({ length: this.chance.below(most) }, () => ({
      device: this.chance.below(32),
      function: this.chance.below(8),
    }));
    return [{ device: (first >>> 3) & 31, function: first & 7 }, ...more];
  }

  private functions(most: number): Scope[] {
    return Array.from({ length: this.chance.below(most + 1) }, () => {
      const type = this.chance.happens(HALF) ? ScopeType.endpoint : ScopeType.subHierarchy;
      return scopeEntry(type, 0, this.path(4));
    });
  }

  private sources(): Scope[] {
    const kinds = [ScopeType.ioApic, ScopeType.hpet, ScopeType.namespaceDevice];
    return kinds.flatMap((type) => {
      if (!this.chance.happens(QUARTER)) return [];
      const id = this.nextSource++;
      if (type === ScopeType.namespaceDevice) this.namespaceDevices.push(id);
      return [scopeEntry(type, this.chance.below(256), this.path(1), id)];
    });
  }

  private region(index: number, segments: readonly number[]): Structure {
    const base = BigInt(0x1000 * (index + 1) + this.chance.below(0x800)) * 4096n;
    const limit = base + BigInt(1 + this.chance.below(0x800)) * 4096n - 1n;
    const segment = segments[this.chance.below(segments.length)]!;
    const scopes = [scopeEntry(ScopeType.endpoint, 0, this.path(3)), ...this.functions(2)];
    return make(rmrrLayout, { type: 1, segment, base, limit }, scopes);
  }

  private ports(segment: number): Structure {
    const allPorts = this.chance.below(2);
    const scopes = allPorts === 1 ? [] : [scopeEntry(ScopeType.subHierarchy, 0, this.path(1))];
    return make(atsrLayout, { type: 2, allPorts, segment }, scopes);
  }

  private affinity(registerBase: bigint): Structure {
    return make(rhsaLayout, { type: 3, registerBase, proximityDomain: this.chance.below(8) });
  }

  private integrated(segments: readonly number[]): Structure[] {
    const caches = this.chance.happens(HALF);
    return segments.map((segment) => (caches ? this.caches(segment) : this.properties(segment)));
  }

  private caches(segment: number): Structure {
    const entry = scopeEntry(ScopeType.endpoint, 0, this.path(1));
    return make(satcLayout, { type: 5, atcRequired: this.chance.below(2), segment }, [entry]);
  }

  private properties(segment: number): Structure {
    const entry = scopeEntry(ScopeType.endpoint, 0, this.path(1));
    const values = { ...entry.values, noNested: this.chance.below(2), atcHardened: this.chance.below(2) };
    return make(sidpLayout, { type: 6, segment }, [{ ...entry, values }]);
  }
}

function namespaceDevice(deviceNumber: number): Structure {
  const name = new TextEncoder().encode(`\\_SB.DEV${deviceNumber}\0`);
  return make(anddLayout, { type: 4, deviceNumber }, [], name);
}
