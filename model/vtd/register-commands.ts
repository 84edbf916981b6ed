/** The register-based invalidation commands (VT-d 6.5.1, 11.4.6): what CCMD_REG, IVA_REG and IOTLB_REG ask for. */
import { contextTarget, Granularity, pageSelective } from "./descriptors.js";
import type { InvalidationTarget } from "./invalidations.js";
import type { Platform } from "./profile.js";
import { Offset, type RegisterFile } from "./registers.js";

export interface InvalidationCommand {
  /** CIRG or IIRG. */
  readonly requested: number;
  /** Null when the unit does not carry such a request out and reports granularity 0. */
  readonly target: InvalidationTarget | null;
  readonly drainsWrites: boolean;
}

/** 11.4.6.1: the command in CCMD_REG. */
export function contextCommand(platform: Platform, file: RegisterFile): InvalidationCommand {
  const low = file.read(Offset.CCMD);
  const high = file.read(Offset.CCMD + 4);
  const requested = (high >>> 29) & 3;
  const target = platform.registerInvalidation
    ? contextTarget(requested, low & 0xffff, low >>> 16, high & 3)
    : null;
  return { requested, target, drainsWrites: false };
}

/** 11.4.6.3, 11.4.6.4: the command in IOTLB_REG, with the pages that IVA_REG names. */
export function iotlbCommand(platform: Platform, file: RegisterFile): InvalidationCommand {
  const iva = platform.iotlbRegisterOffset;
  const high = file.read(iva + 12);
  const requested = (high >>> 28) & 3;
  const target = platform.registerInvalidation ? iotlbTarget(platform, file, requested, high & 0xffff) : null;
  // 6.5.4: from major version 2 on draining is always done.
  const drainsWrites = platform.majorVersion >= 2 || (platform.drainsWrites && (high & 0x10000) !== 0);
  return { requested, target, drainsWrites };
}

function iotlbTarget(
  platform: Platform,
  file: RegisterFile,
  requested: number,
  domainId: number,
): InvalidationTarget | null {
  if (requested === Granularity.global) return { cache: "iotlb", granularity: "global" };
  if (requested === Granularity.domain) return { cache: "iotlb", granularity: "domain", domainId };
  const low = file.read(platform.iotlbRegisterOffset);
  const page = (low >>> 12) + file.read(platform.iotlbRegisterOffset + 4) * 0x100000;
  const mask = low & 0x3f;
  if (requested !== Granularity.selective || mask > platform.largestAddressMask) return null;
  return pageSelective(domainId, page, mask, (low & 0x40) !== 0);
}
