/**
 * Addresses and identifiers. An address is a page number (exact up to 2^52 as a plain number) and an offset in
 * the 4 KiB page, so that no address ever needs a `bigint` on the way. Numbers of different spaces are different
 * types: mixing them does not compile.
 */

declare const space: unique symbol;

/** A 4 KiB page number in the address space devices use. */
export type IovaPage = number & { readonly [space]?: "iova" };
/** A 4 KiB page number of host physical memory. */
export type HostPage = number & { readonly [space]?: "host" };
/** Bus 15:8, device 7:3, function 2:0 of the function a request claims to come from. */
export type RequesterId = number & { readonly [space]?: "requester" };
/** The tag software gives to one set of second-stage tables. */
export type DomainId = number & { readonly [space]?: "domain" };

/** The requester id of a PCI function. */
export function requesterId(bus: number, device: number, fn: number): RequesterId {
  return (bus << 8) | (device << 3) | fn;
}

/** A requester id as kernels print it: `00:04.0`. */
export function showRequester(id: RequesterId): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  return `${hex(id >>> 8, 2)}:${hex((id >>> 3) & 31, 2)}.${id & 7}`;
}

/** An address as software writes it: `0x1000200`. */
export function showAddress(page: number, offset = 0): string {
  return `0x${(BigInt(page) * 4096n + BigInt(offset)).toString(16)}`;
}
