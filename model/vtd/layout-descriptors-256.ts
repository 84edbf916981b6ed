/** Invalidation queue descriptors of 256 bits (VT-d 6.5.2, 7.6.1), and page requests (7.4.1.1). */
import { field, ignored, type Layout, layout, reserved } from "../words/layout.js";
import { asAddress, asPowerOfTwo, asRequester, saying } from "../words/shown-fields.js";
import type { Platform } from "./profile.js";

type VtdLayout = Layout<Platform>;
const NEVER = Number.POSITIVE_INFINITY;

const type = [
  field<Platform>("Type", "3:0", "descriptor type"),
  field<Platform>("TypeHigh", "11:9", "descriptor type, upper bits"),
];
const domain = field<Platform>("DID", "31:16", "domain id");
const pasid = field<Platform>("PASID", "51:32", "process address space");
const page = saying(field<Platform>("ADDR", "127:76", "page"), asAddress(12));
const addressMask = saying(
  field<Platform>("AM", "69:64", "address mask: log2 of the number of pages"),
  asPowerOfTwo("pages"),
);
const granularity = (names: Readonly<Record<number, string>>) =>
  saying(field<Platform>("G", "5:4", "granularity"), names);
const throttled = (name: string, bits: string, low: number) =>
  field<Platform>(name, bits, "source id of the physical function", (platform) =>
    platform.deviceTlbThrottling ? NEVER : low,
  );

export const pasidIotlbDescriptor: VtdLayout = layout("PASID-based IOTLB invalidate", "6.5.2.4", 256, [
  ...type,
  granularity({ 2: "PASID-selective", 3: "page-selective in PASID" }),
  reserved("8:6"),
  reserved("15:12"),
  domain,
  pasid,
  reserved("63:52"),
  addressMask,
  field("IH", "70", "invalidation hint: leaf entries only"),
  reserved("75:71"),
  page,
  reserved("255:128"),
]);

export const pasidCacheDescriptor: VtdLayout = layout("PASID-cache invalidate", "6.5.2.2", 256, [
  ...type,
  granularity({ 0: "domain-selective", 1: "PASID-selective in domain", 3: "global" }),
  reserved("8:6"),
  reserved("15:12"),
  domain,
  pasid,
  reserved("63:52"),
  reserved("255:64"),
]);

export const pasidDeviceTlbDescriptor: VtdLayout = layout(
  "PASID-based Device-TLB invalidate",
  "6.5.2.6",
  256,
  [
    ...type,
    field("MIP", "8:4", "largest number of pending invalidations"),
    throttled("PFSIDLow", "15:12", 12),
    saying(field<Platform>("SID", "31:16", "source id"), asRequester),
    pasid,
    throttled("PFSIDHigh", "63:52", 52),
    field("GI", "64", "global: every PASID"),
    reserved("74:65"),
    field("S", "75", "size"),
    page,
    reserved("255:128"),
  ],
);

export const pageResponseDescriptor: VtdLayout = layout("page group response", "7.6.1", 256, [
  ...type,
  field("PP", "4", "PASID present"),
  reserved("8:5"),
  saying(field<Platform>("RC", "15:12", "response code"), {
    0: "success",
    1: "invalid request",
    15: "response failure",
  }),
  saying(field<Platform>("RID", "31:16", "requester id"), asRequester),
  pasid,
  reserved("63:52"),
  reserved("65:64"),
  ignored("66"),
  field("PRGI", "75:67", "page request group index"),
  reserved("255:76"),
]);

export const permissionCacheDescriptor: VtdLayout = layout("HPT cache invalidate", "6.5.2.7", 256, [
  ...type,
  granularity({ 1: "global", 2: "domain-selective", 3: "page-selective" }),
  reserved("8:6"),
  reserved("15:12"),
  field("HPTDID", "31:16", "domain id of the host permission table"),
  reserved("63:32"),
  addressMask,
  field("IH", "71:70", "invalidation hint: levels"),
  reserved("75:72"),
  page,
  reserved("255:128"),
]);

export const pageRequestLayout: VtdLayout = layout("page request", "7.4.1.1", 256, [
  saying(field<Platform>("Type", "7:0", "descriptor type"), { 1: "page request" }),
  field("PP", "8", "PASID present"),
  reserved("15:9"),
  saying(field<Platform>("RID", "31:16", "requester id"), asRequester),
  pasid,
  field("EXR", "52", "execute permission requested"),
  field("PMR", "53", "privileged mode requested"),
  reserved("63:54"),
  field("RDR", "64", "read permission requested"),
  field("WRR", "65", "write permission requested"),
  field("LPIG", "66", "last page request in group"),
  field("PRGI", "75:67", "page request group index"),
  saying(field<Platform>("ADDR", "127:76", "page"), asAddress(12)),
  reserved("255:128"),
]);
