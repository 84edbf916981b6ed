/** Hand-made histories of writes, reads and polls of registers, judged by the oracle. */
import type { Finding } from "../finding.js";
import { type Action, Effect } from "../trace.js";
import { VtdOracle } from "./oracle.js";
import type { PlatformProfile } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { walkPlatformOf } from "./walk.js";

export const [SID, ROOT, OTHER_ROOT, QUEUE, STATUS, DATA] = [0x20, 1, 2, 8, 9, 0x10];
export const [GCMD, GSTS, RTADDR, CCMD, FSTS, IQH, IQT, IQA, ICS, IQERCD] = [
  0x18, 0x1c, 0x20, 0x28, 0x34, 0x80, 0x88, 0x90, 0x9c, 0xb0,
];
export const [TE, SRTP, WBF, QIE] = [0x80000000, 0x40000000, 0x08000000, 0x04000000];

/** One run, action by action. Each method gives the kind of finding it led to, or null. */
export class RegisterRun {
  readonly oracle: VtdOracle;
  private index = 0;
  private tail = 0;

  constructor(profile: string | PlatformProfile, start: "reset" | "translating" = "reset") {
    const platform = walkPlatformOf(typeof profile === "string" ? profileNamed(profile) : profile);
    this.oracle = new VtdOracle(platform);
    const tablePages = [ROOT, OTHER_ROOT, 3, 4, 5, 6, 7, QUEUE, STATUS];
    this.oracle.reset({
      start,
      rootPage: ROOT,
      rootPages: 1,
      queuePage: QUEUE,
      logPage: null,
      requesters: [SID],
      dataPages: [DATA],
      tablePages,
    });
  }

  act(action: Action, low = 0, high = 0): Finding | null {
    return this.oracle.perform(action, { low, high }, this.index++);
  }
  write(offset: number, low: number, high?: number): void {
    this.act({ do: "write-register", offset, width: high === undefined ? 4 : 8, low, high: high ?? 0 });
  }
  reads(offset: number, low: number, high?: number): string | null {
    const width = high === undefined ? 4 : 8;
    return this.act({ do: "read-register", offset, width }, low, high ?? 0)?.kind ?? null;
  }
  polls(offset: number, mask: number, value: number, seen = true): string | null {
    return this.act({ do: "poll-register", offset, mask, value }, Number(seen))?.kind ?? null;
  }
  pollsMemory(word: number, value: number, seen = true): string | null {
    return this.act({ do: "poll-memory", page: STATUS, word, value }, Number(seen))?.kind ?? null;
  }
  store(page: number, word: number, low: number, high = 0): void {
    this.act({ do: "store", page, word, low, high });
  }
  submit(low: number, high = 0, low2 = 0): void {
    this.store(QUEUE, this.tail * 2, low, high);
    this.store(QUEUE, this.tail * 2 + 1, low2);
    this.tail++;
    this.write(IQT, this.tail << 4, 0);
  }
  /** A read of page 5 is blocked. */
  blocked(): void {
    const request = { requester: SID, page: 5, offset: 0, length: 4, type: "read" } as const;
    this.act({ do: "request", request, slot: 0 }, Effect.blocked);
  }
  /** Effects that a read of page 5 may have now. */
  effects(): number[] {
    const request = { requester: SID, page: 5, offset: 0, length: 4, type: "read" } as const;
    return [...new Set(this.oracle.outcomesOf(request, this.index).map((one) => one.effect))].sort(
      (a, b) => a - b,
    );
  }
}
