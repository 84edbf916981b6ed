/** Hand-made runs on `intel-iommu`: one domain, tables of three or four levels, a queue. */
import type { StartState } from "../../../../model/run-start.js";
import type { Action, Word } from "../../../../model/trace.js";
import { profiles } from "../../../../model/vtd/profiles.js";
import type { RequesterId } from "../../../../model/words/address.js";
import type { RunSetup } from "../../interface.js";
import { device, store, write32, write64 } from "../testing.js";
import { Command, DESCRIPTOR_BYTES, Register } from "./registers.js";

/** The pages of a hand-made run. */
export const page = {
  root: 0x10000,
  context: 0x10001,
  tables: [0x10002, 0x10003, 0x10004, 0x10005],
  queue: 0x10006,
  status: 0x10007,
  behind: 0x10008,
  data: [0x10010, 0x10011, 0x10012, 0x10013],
} as const;

export const READ_WRITE = 3;
export const DOMAIN = 5;

/** A setup with the pages above. */
export function setupFor(
  profileId: string,
  start: StartState = "translating",
  requesters: readonly RequesterId[] = [device],
): RunSetup {
  const profile = profiles.find(({ id }) => id === profileId);
  if (profile === undefined) throw new Error(`no profile ${profileId}`);
  const { root, context, tables, queue, status, behind, data } = page;
  return {
    profile,
    start,
    requesters,
    dataPages: data,
    tablePages: [root, context, ...tables, queue, status, behind],
    timing: 0,
    rootPage: root,
    rootPages: 1,
    queuePage: queue,
    logPage: null,
  };
}

/** Stores that attach the device to a domain whose tables map IOVA page 0 upwards to `targets`. */
export function attach(levels: 3 | 4, targets: readonly number[], rights = READ_WRITE): Action[] {
  const { root, context, tables } = page;
  const used = tables.slice(4 - levels);
  return [
    store(root, 0, context * 4096 + 1),
    store(context, 2 * device, used[0]! * 4096 + 1),
    store(context, 2 * device + 1, DOMAIN * 0x100 + (levels - 2)),
    ...used.slice(0, -1).map((at, index) => store(at, 0, used[index + 1]! * 4096 + READ_WRITE)),
    ...targets.map((target, index) => store(used.at(-1)!, index, target * 4096 + rights)),
  ];
}

/** The store that unmaps IOVA page `index` of {@link attach}. */
export function unmap(index: number): Action {
  return store(page.tables[3], index, 0);
}

/** An IOTLB invalidation of the whole domain and a wait that stores `ticket`, as descriptors 2n and 2n+1. */
export function invalidateAndWait(n: number, ticket: number): Action[] {
  const at = (index: number): Word => ({ low: (index * DESCRIPTOR_BYTES) % 4096, high: 0 });
  const word = ((4 * n) % 512) as number;
  return [
    store(page.queue, word, DOMAIN * 0x10000 + 0xe2),
    store(page.queue, word + 1, 0),
    store(page.queue, word + 2, ticket * 0x100000000 + 0x25),
    store(page.queue, word + 3, page.status * 4096),
    { do: "write-register", offset: Register.queueTail, width: 8, ...at(2 * n + 2) },
    { do: "poll-memory", page: page.status, word: 0, value: ticket },
  ];
}

/** What software does after a reset to get translation going, queue included. */
export function enable(): Action[] {
  return [
    write64(Register.rootTable, page.root * 4096),
    write32(Register.globalCommand, Command.setRoot),
    write64(Register.queueAddress, page.queue * 4096),
    write32(Register.globalCommand, Command.queue),
    write32(Register.globalCommand, Command.queue | Command.translation),
  ];
}
