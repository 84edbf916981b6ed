/** QEMU's `intel-iommu` as an IOMMU under test: see {@link openQemu}. */
export { findQemu, type Qemu } from "./find.js";
export { qemuProfilesOf } from "./options.js";
export { type Identity, openQemu, type QemuIommu, type QemuOptions } from "./vtd-qemu.js";
