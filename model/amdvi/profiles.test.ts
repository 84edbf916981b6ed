/** What the feature registers of the platforms say, from the values that were published with their meaning. */
import { describe, expect, it } from "vitest";
import { amdViProfile, ExclusionRange, platformOf } from "./profile.js";
import { profileNamed, profiles } from "./profiles.js";

const platform = (id: string) => platformOf(profileNamed(id));

describe("profiles", () => {
  it("are known, no two with one id", () => {
    const ids = profiles.map((one) => one.id);
    expect(ids).toEqual([
      "amd-qemu",
      "family-15h",
      "zen1",
      "matisse",
      "cezanne",
      "raphael",
      "milan",
      "genoa",
      "zen1-np-cache",
      "family-15h-non-coherent",
      "trinity",
      "phoenix",
      "genoa-snp",
    ]);
  });

  it("are found by id, and only by that", () => {
    expect(profileNamed("genoa").hostAddressWidth).toBe(52);
    expect(() => profileNamed("skylake-sp")).toThrow(/unknown profile "skylake-sp"; known: amd-qemu, /);
  });

  it("say where their values come from", () => {
    for (const one of profiles) expect(one.source.length).toBeGreaterThan(10);
  });

  it("of another architecture are refused", () => {
    expect(amdViProfile(profileNamed("zen1")).id).toBe("zen1");
    const other = { ...profileNamed("zen1"), architecture: "vtd", id: "another" } as const;
    expect(() => amdViProfile(other)).toThrow("another is not an AMD-Vi platform");
  });
});

describe("MMIO 0030h extended features", () => {
  it("QEMU: prefetch, page requests, guest translation, IA, GA, HE, six levels, NpCache", () => {
    expect(platform("amd-qemu")).toMatchObject({
      prefetch: true,
      peripheralPageRequests: true,
      x2Apic: false,
      guestTranslation: true,
      invalidateAll: true,
      hardwareErrorRegisters: true,
      hostLevels: 6,
      gcr3Levels: 1,
      enhancedPageRequests: false,
      npCache: true,
      remoteIotlbs: true,
      storeVisibility: { needsLineFlush: false, needsBufferFlush: false },
    });
  });

  it("an early unit lacks INVALIDATE_IOMMU_ALL and reads device table entries 64 bits at a time", () => {
    expect(platform("family-15h")).toMatchObject({
      invalidateAll: false,
      hostLevels: 4,
      deviceTableFetch: 64,
    });
    expect(platform("family-15h-non-coherent").storeVisibility.needsLineFlush).toBe(true);
  });

  it("Zen units", () => {
    expect(platform("zen1")).toMatchObject({
      hostAccessed: true,
      hostDirty: false,
      secureAts: false,
      gcr3Levels: 2,
      deviceTableSegments: 8,
      routingApertures: 4,
      npCache: false,
    });
    expect(platform("matisse")).toMatchObject({ guestApicLog: true, virtualIommu: true });
    expect(platform("cezanne")).toMatchObject({ x2Apic: true, hostAccessed: false, invalidationTypes: true });
    expect(platform("raphael")).toMatchObject({ secureAts: true, x2Apic: false, attributeForwarding: false });
    expect(platform("milan")).toMatchObject({ guestTranslation: false, hostAccessed: true, hostDirty: true });
    expect(platform("genoa")).toMatchObject({ guestTranslation: true, virtualIommu: true, x2Apic: true });
  });

  it("of a family 15h APU: six levels, page requests, guest translation, and little else", () => {
    expect(platform("trinity")).toMatchObject({
      prefetch: true,
      peripheralPageRequests: true,
      guestTranslation: true,
      gcr3Levels: 1,
      invalidateAll: true,
      guestApicLog: false,
      hostLevels: 6,
      hostAccessed: false,
      hardwareErrorRegisters: false,
      invalidationTypes: false,
    });
  });

  it("Phoenix has what Raphael has but the modes of the guest virtual APIC; secure nested paging takes guest translation", () => {
    const { guestApicLog, secureAts, hostLevels } = platform("phoenix");
    expect({ guestApicLog, secureAts, hostLevels }).toEqual({
      guestApicLog: false,
      secureAts: true,
      hostLevels: 6,
    });
    expect(platform("genoa-snp")).toMatchObject({
      guestTranslation: false,
      hostAccessed: true,
      hostDirty: true,
      pageMigration: true,
      ignoresHyperTransportRanges: false,
    });
  });

  it("HATS gives 4, 5 or 6 levels; 3 gives none", () => {
    const levels = (hats: number) =>
      platformOf({ ...profileNamed("zen1"), extendedFeatures: { low: hats << 10, high: 0 } }).hostLevels;
    expect([0, 1, 2, 3].map(levels)).toEqual([4, 5, 6, 0]);
  });
});

describe("MMIO 0020h exclusion range", () => {
  it("takes in both its ends, for devices with EX or for all", () => {
    const range = new ExclusionRange();
    range.basePage = 0x10;
    range.limitPage = 0x12;
    expect(range.excludes(0x10, true)).toBe(false);
    range.enabled = true;
    expect([0xf, 0x10, 0x12, 0x13].map((page) => range.excludes(page, true))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(range.excludes(0x11, false)).toBe(false);
    range.allowsAll = true;
    expect(range.excludes(0x11, false)).toBe(true);
    range.reset();
    expect(range.excludes(0, true)).toBe(false);
  });
});
