/** The part of QEMU's `amd-iommu` registers that the adapter itself touches (AMD-Vi, MMIO registers). */

/** Where q35 places the registers, whatever the capability block says. */
export const ADDRESS = 0xfed80000;

/** Byte offsets. */
export const Register = {
  deviceTableBase: 0x00,
  commandBase: 0x08,
  eventBase: 0x10,
  control: 0x18,
  exclusionLimit: 0x28,
  extendedFeatures: 0x30,
  pageRequestBase: 0x38,
  extendedFeatures2: 0x1a0,
  commandHead: 0x2000,
  commandTail: 0x2008,
  eventHead: 0x2010,
  eventTail: 0x2018,
  status: 0x2020,
  pageRequestHead: 0x2030,
  pageRequestTail: 0x2038,
} as const;

/** Everything that holds something in this implementation. */
export const SETTINGS = { offset: 0x00, bytes: 0x40 } as const;
export const FEATURES = { offset: Register.extendedFeatures2, bytes: 8 } as const;
export const POINTERS = { offset: 0x2000, bytes: 0x40 } as const;

/** Bits of the control register. */
export const Control = {
  iommu: 0x1,
  eventLog: 0x4,
  commandBuffer: 0x1000,
} as const;

/** Bits of the status register. */
export const Status = {
  eventLogRun: 0x08,
  commandBufferRun: 0x10,
  /** Every write-one-to-clear bit in the low byte; no others are ever set. */
  clear: 0x67,
} as const;

/** The length field of a ring of 256 entries, in the high half of its base register. */
export const RING_LENGTH = 0x08000000;
/** Bytes of a command, of an event and of a device table entry. */
export const COMMAND_BYTES = 16;
export const DEVICE_ENTRY_BYTES = 32;

/** First halves of commands. */
export const Command = {
  invalidateDevtabEntry: 0x20000000,
  invalidateIommuAll: 0x80000000,
} as const;
