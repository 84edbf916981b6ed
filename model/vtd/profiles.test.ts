/** Capabilities of every profile, decoded by hand from the register values in kernel logs (VT-d 11.4.2, 11.4.3). */
import { describe, expect, it } from "vitest";
import { type Platform, platformOf } from "./profile.js";
import { profileNamed, profiles } from "./profiles.js";

/** What all profiles of the suite have. */
const COMMON = {
  drainsReads: true,
  drainsWrites: true,
  pageSelectiveInvalidation: true,
  setRootInvalidates: false,
};
const LEVELS = (...levels: number[]) => levels.reduce((set, level) => set + 2 ** level, 0);

const BY_HAND: Readonly<Record<string, Partial<Platform>>> = {
  /** CAP 00d2008c22260206, ECAP f00f4a */
  "qemu-39": {
    majorVersion: 1,
    hostAddressWidth: 39,
    domainIdBits: 16,
    supportedLevels: LEVELS(3),
    largestLevels: 3,
    guestAddressWidth: 39,
    zeroLengthReads: false,
    superpages2M: true,
    superpages1G: true,
    cachingMode: false,
    coherentWalks: false,
    writeBufferFlushRequired: false,
    passThrough: true,
    deviceTlb: false,
    snoopControl: false,
    largestAddressMask: 18,
    queuedInvalidation: true,
    registerInvalidation: true,
    interruptRemapping: true,
    pageRequestDrain: false,
    deviceTlbThrottling: false,
    faultRecords: 1,
    faultRecordOffset: 0x220,
    iotlbRegisterOffset: 0xf0,
    storeVisibility: { needsLineFlush: true, needsBufferFlush: false },
  },
  /** CAP 80d2008c22260206, ECAP f00f4a */
  "qemu-39-esrtps": {
    majorVersion: 1,
    hostAddressWidth: 39,
    domainIdBits: 16,
    supportedLevels: LEVELS(3),
    guestAddressWidth: 39,
    cachingMode: false,
    setRootInvalidates: true,
    faultRecords: 1,
    faultRecordOffset: 0x220,
    iotlbRegisterOffset: 0xf0,
  },
  /** CAP 80d2008c222f0606, ECAP f00f4a */
  "qemu-48-esrtps": {
    majorVersion: 1,
    hostAddressWidth: 48,
    domainIdBits: 16,
    supportedLevels: LEVELS(3, 4),
    guestAddressWidth: 48,
    cachingMode: false,
    setRootInvalidates: true,
  },
  /** CAP 80d2008c222f0686, ECAP f00f4a */
  "qemu-48-caching-mode-esrtps": {
    majorVersion: 1,
    hostAddressWidth: 48,
    supportedLevels: LEVELS(3, 4),
    cachingMode: true,
    setRootInvalidates: true,
  },
  /** CAP 00d2008c222f0606, ECAP f00f4a */
  "qemu-48": {
    majorVersion: 1,
    hostAddressWidth: 48,
    domainIdBits: 16,
    supportedLevels: LEVELS(3, 4),
    largestLevels: 4,
    guestAddressWidth: 48,
    zeroLengthReads: false,
    superpages2M: true,
    superpages1G: true,
    cachingMode: false,
    passThrough: true,
    largestAddressMask: 18,
    faultRecords: 1,
    faultRecordOffset: 0x220,
    iotlbRegisterOffset: 0xf0,
  },
  /** CAP 00d2008c222f0686: as before with bit 7 */
  "qemu-48-caching-mode": {
    hostAddressWidth: 48,
    supportedLevels: LEVELS(3, 4),
    cachingMode: true,
    coherentWalks: false,
  },
  /** CAP c9008020e30272, ECAP 1000 */
  gm45: {
    majorVersion: 1,
    hostAddressWidth: 36,
    domainIdBits: 8,
    supportedLevels: LEVELS(3),
    largestLevels: 3,
    guestAddressWidth: 36,
    zeroLengthReads: true,
    superpages2M: false,
    superpages1G: false,
    cachingMode: false,
    coherentWalks: false,
    writeBufferFlushRequired: true,
    passThrough: false,
    deviceTlb: false,
    snoopControl: false,
    largestAddressMask: 9,
    queuedInvalidation: false,
    registerInvalidation: true,
    interruptRemapping: false,
    faultRecords: 1,
    faultRecordOffset: 0x200,
    iotlbRegisterOffset: 0x100,
    storeVisibility: { needsLineFlush: true, needsBufferFlush: true },
  },
  /** CAP c9008020660262, ECAP f0105a */
  "ivy-bridge": {
    majorVersion: 1,
    hostAddressWidth: 39,
    domainIdBits: 8,
    supportedLevels: LEVELS(3),
    largestLevels: 3,
    guestAddressWidth: 39,
    zeroLengthReads: true,
    superpages2M: false,
    superpages1G: false,
    coherentWalks: false,
    writeBufferFlushRequired: false,
    passThrough: true,
    snoopControl: false,
    largestAddressMask: 9,
    queuedInvalidation: true,
    interruptRemapping: true,
    faultRecords: 1,
    faultRecordOffset: 0x200,
    iotlbRegisterOffset: 0x100,
  },
  /** CAP 08d2078c106f0466, ECAP f020df */
  "skylake-sp": {
    majorVersion: 1,
    hostAddressWidth: 46,
    domainIdBits: 16,
    supportedLevels: LEVELS(4),
    largestLevels: 4,
    guestAddressWidth: 48,
    zeroLengthReads: true,
    superpages2M: true,
    superpages1G: true,
    coherentWalks: true,
    passThrough: true,
    deviceTlb: true,
    snoopControl: true,
    largestAddressMask: 18,
    queuedInvalidation: true,
    registerInvalidation: true,
    interruptRemapping: true,
    pageRequestDrain: false,
    deviceTlbThrottling: false,
    faultRecords: 8,
    faultRecordOffset: 0x100,
    iotlbRegisterOffset: 0x200,
    storeVisibility: { needsLineFlush: false, needsBufferFlush: false },
  },
  /** CAP 19ed008c40780c66, ECAP 3ee9e86f050df */
  "sapphire-rapids": {
    majorVersion: 6,
    hostAddressWidth: 52,
    domainIdBits: 16,
    supportedLevels: LEVELS(4, 5),
    largestLevels: 5,
    guestAddressWidth: 57,
    zeroLengthReads: true,
    superpages2M: true,
    superpages1G: true,
    coherentWalks: true,
    passThrough: true,
    deviceTlb: true,
    snoopControl: true,
    largestAddressMask: 45,
    queuedInvalidation: true,
    registerInvalidation: false,
    interruptRemapping: true,
    pageRequestDrain: true,
    deviceTlbThrottling: true,
    faultRecords: 1,
    faultRecordOffset: 0x400,
    iotlbRegisterOffset: 0x500,
  },
};

describe("11.4.2 and 11.4.3 capabilities of the profiles", () => {
  it.each(profiles.map((one) => one.id))("%s decodes as its register values say", (id) => {
    expect(platformOf(profileNamed(id))).toMatchObject({ ...COMMON, ...BY_HAND[id]! });
  });

  it("6.5.4: from major version 2 on draining is always done, whatever DRD and DWD say", () => {
    const silent = { ...profileNamed("skylake-sp"), capability: { low: 0x106f0466, high: 0x0812078c } };
    expect(platformOf(silent)).toMatchObject({ drainsReads: false, drainsWrites: false });
    const newer = { ...silent, version: { major: 2, minor: 0 } };
    expect(platformOf(newer)).toMatchObject({ drainsReads: true, drainsWrites: true });
  });

  it("6.5: register invalidation ends with major version 5", () => {
    const version = (major: number) =>
      platformOf({ ...profileNamed("skylake-sp"), version: { major, minor: 0 } });
    expect(version(5).registerInvalidation).toBe(true);
    expect(version(6).registerInvalidation).toBe(false);
  });

  it("11.4.2: ESRTPS is bit 63", () => {
    const capability = { low: 0x222f0606, high: 0x80d2008c };
    expect(platformOf({ ...profileNamed("qemu-48"), capability }).setRootInvalidates).toBe(true);
  });
});

describe("looking a profile up", () => {
  it("names the known ones when it does not exist", () => {
    expect(() => profileNamed("skylake")).toThrow(
      /^unknown profile "skylake"; known: qemu-39, .*, sapphire-rapids$/,
    );
  });

  it("ids are unique", () => {
    expect(new Set(profiles.map((one) => one.id)).size).toBe(profiles.length);
  });
});
