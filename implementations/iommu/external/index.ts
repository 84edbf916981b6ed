export { type ExternalIommu, type ExternalOptions, openExternal } from "./external.js";
