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
  /** CAP c90780106f0462, ECAP f020e2 */
  x58: {
    majorVersion: 1,
    domainIdBits: 8,
    supportedLevels: LEVELS(4),
    guestAddressWidth: 48,
    superpages2M: false,
    coherentWalks: false,
    passThrough: true,
    deviceTlb: false,
    interruptRemapping: false,
    snoopControl: true,
    largestAddressMask: 9,
    faultRecords: 8,
    faultRecordOffset: 0x100,
    iotlbRegisterOffset: 0x200,
  },
  /** ECAP f020fe: as before with bits 2 to 4 */
  "westmere-ep": { hostAddressWidth: 40, deviceTlb: true, interruptRemapping: true },
  /** CAP c0000020e60262, ECAP f0101a */
  "sandy-bridge-graphics": {
    domainIdBits: 8,
    supportedLevels: LEVELS(3),
    guestAddressWidth: 39,
    pageSelectiveInvalidation: false,
    largestAddressMask: 0,
    passThrough: false,
    snoopControl: false,
    queuedInvalidation: true,
  },
  /** CAP d2078c106f0466, ECAP f020de */
  "sandy-bridge-ep": {
    domainIdBits: 16,
    supportedLevels: LEVELS(4),
    superpages1G: true,
    coherentWalks: false,
    deviceTlb: true,
    faultRecords: 8,
  },
  /** CAP d2008c20660462, ECAP f010da */
  haswell: {
    supportedLevels: LEVELS(4),
    guestAddressWidth: 39,
    superpages2M: true,
    superpages1G: true,
    largestAddressMask: 18,
    snoopControl: true,
  },
  /** CAP c0000020660462, ECAP f0101a */
  "haswell-graphics": {
    supportedLevels: LEVELS(4),
    guestAddressWidth: 39,
    pageSelectiveInvalidation: false,
    superpages2M: false,
    passThrough: false,
  },
  /** CAP 08d2008c10ef0466, ECAP f0205b */
  "broadwell-ep-audio": {
    domainIdBits: 16,
    supportedLevels: LEVELS(4),
    guestAddressWidth: 48,
    coherentWalks: true,
    deviceTlb: false,
    snoopControl: false,
    faultRecords: 1,
    faultRecordOffset: 0x100,
    iotlbRegisterOffset: 0x200,
  },
  /** CAP 1c0000c40660462, ECAP 19e2ff0505e */
  "kaby-lake-graphics": {
    supportedLevels: LEVELS(4),
    guestAddressWidth: 39,
    pageSelectiveInvalidation: false,
    superpages1G: true,
    passThrough: true,
    deviceTlb: true,
    snoopControl: false,
    faultRecordOffset: 0x400,
    iotlbRegisterOffset: 0x500,
  },
  /** CAP d2008c40660462, ECAP f050da */
  skylake: {
    majorVersion: 1,
    guestAddressWidth: 39,
    superpages1G: true,
    deviceTlb: false,
    faultRecordOffset: 0x400,
    iotlbRegisterOffset: 0x500,
  },
  /** CAP 08ed008c40780466, ECAP 60000f050df */
  "ice-lake-sp": {
    majorVersion: 4,
    supportedLevels: LEVELS(4),
    guestAddressWidth: 57,
    largestAddressMask: 45,
    registerInvalidation: true,
    pageRequestDrain: true,
    deviceTlbThrottling: true,
  },
  /** CAP 1c0000c40660462, ECAP 29a00f0505e */
  "alder-lake-graphics": {
    majorVersion: 4,
    pageSelectiveInvalidation: false,
    deviceTlb: true,
    deviceTlbThrottling: true,
    pageRequestDrain: false,
  },
  /** As skylake */
  "alder-lake": { majorVersion: 5, registerInvalidation: true, deviceTlb: false },
  /** CAP c9de008cee690462, ECAP 12ca9a00f0ef5e */
  "meteor-lake": {
    majorVersion: 7,
    supportedLevels: LEVELS(4),
    guestAddressWidth: 42,
    coherentWalks: false,
    snoopControl: false,
    largestAddressMask: 30,
    registerInvalidation: false,
    setRootInvalidates: true,
    faultRecordOffset: 0xee0,
    iotlbRegisterOffset: 0xef0,
  },
  /** CAP f9ed008cee780c66, ECAP 3fef9ea6f0efdf */
  "xeon-6": {
    majorVersion: 7,
    supportedLevels: LEVELS(4, 5),
    guestAddressWidth: 57,
    coherentWalks: true,
    snoopControl: true,
    largestAddressMask: 45,
    registerInvalidation: false,
    setRootInvalidates: true,
    pageRequestDrain: true,
    faultRecordOffset: 0xee0,
    iotlbRegisterOffset: 0xef0,
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
    expect(() => profileNamed("lake")).toThrow(/^unknown profile "lake"; known: qemu-39, .*, xeon-6$/);
  });

  it("ids are unique", () => {
    expect(new Set(profiles.map((one) => one.id)).size).toBe(profiles.length);
  });
});
