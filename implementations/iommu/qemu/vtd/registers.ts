/** The part of QEMU's `intel-iommu` register window that the adapter itself touches (VT-d chapter 11). */

/** Where q35 places the register window. */
export const ADDRESS = 0xfed90000;
/** What is decoded of it. */
export const WINDOW = { offset: 0, bytes: 0x230 } as const;
/** From GCMD_REG to ICS_REG: status, faults, queue. */
export const STATE = { offset: 0x18, bytes: 0x88 } as const;

/** Byte offsets in the window. FRO and IRO are fixed in this implementation. */
export const Register = {
  version: 0x00,
  capability: 0x08,
  extendedCapability: 0x10,
  globalCommand: 0x18,
  globalStatus: 0x1c,
  rootTable: 0x20,
  contextCommand: 0x28,
  faultStatus: 0x34,
  queueHead: 0x80,
  queueTail: 0x88,
  queueAddress: 0x90,
  completionStatus: 0x9c,
  iotlbInvalidate: 0xf8,
  faultRecordLow: 0x220,
  faultRecordHigh: 0x228,
  faultRecordTop: 0x22c,
} as const;

/** Bits of GCMD_REG; the same positions in GSTS_REG say what is in force. */
export const Command = {
  translation: 0x80000000,
  setRoot: 0x40000000,
  queue: 0x04000000,
} as const;

/** FSTS_REG: every write-one-to-clear bit (PFO, IQE, ICE, ITE). */
export const FAULT_STATUS_CLEAR = 0x71;
/** FRCD_REG: the F bit in the topmost DWORD. */
export const FAULT_RECORDED = 0x80000000;
/** IQA_REG: the size and width fields, all zero for 256 descriptors of 16 bytes. */
export const QUEUE_SHAPE = 0x807;

/** Bytes of a legacy invalidation descriptor, and descriptors in a queue of the smallest size. */
export const DESCRIPTOR_BYTES = 16;
export const QUEUE_DESCRIPTORS = 256;
