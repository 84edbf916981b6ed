/** Tables in memory, written as raw words, and a reader of what they say now: for tests of the walk. */
import { Effect, type Request, type RequestType } from "../trace.js";
import { Structure, type TableReader, Translation } from "../windows/walk.js";
import { PhysicalMemory } from "../words/memory.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import type { AmdViFaultRule } from "./rules.js";
import { decide, decideBeforeWalk, walk } from "./walk.js";

export const [DEVICE_TABLE, DATA, NO_MEMORY] = [2, 0x10, 0x20000];
/** 00:04.0; its device table entry is at word 80h. */
export const [DEVICE, DTE] = [0x20, 0x80];
/** IR and IW in the high half of an entry. */
export const [IR, IW, RW] = [0x20000000, 0x40000000, 0x60000000];

export class Tables implements TableReader {
  low = 0;
  high = 0;
  low2 = 0;
  high2 = 0;
  /** One page, 128 entries. */
  pointer = DEVICE_TABLE * 512;
  enabled = true;
  readonly memory = new PhysicalMemory(NO_MEMORY);
  /** Levels that {@link tableReached} was told of. */
  readonly reached: number[] = [];

  set(page: number, word: number, low: number, high = 0): this {
    this.memory.fill(page, word, low >>> 0, high >>> 0);
    return this;
  }

  /** A table entry: PR = 1, with NextLevel, page and rights. */
  entry(page: number, word: number, nextLevel: number, target: number, rights = RW): this {
    const high = Math.floor(target / 0x100000);
    return this.set(page, word, ((target * 4096) % 2 ** 32) | (nextLevel << 9) | 1, high | rights);
  }

  translationEnabled(): boolean {
    return this.enabled;
  }

  tablePointer(): number {
    return this.pointer;
  }

  read(structure: Structure, page: number, word: number): boolean {
    const frame = this.memory.frameOf(page);
    if (frame < 0) return false;
    [this.low, this.high] = [this.memory.low(frame, word), this.memory.high(frame, word)];
    if (structure === Structure.table) return true;
    [this.low2, this.high2] = [this.memory.low(frame, word + 1), this.memory.high(frame, word + 1)];
    return true;
  }

  startLevel(): void {}

  tableReached({ level }: Translation): void {
    this.reached.push(level);
  }
}

/** Page 0 mapped read-write to DATA through tables on pages 3, 4, ...; DomainID 5. */
export function mapped(levels: number): Tables {
  const tables = new Tables()
    .set(DEVICE_TABLE, DTE, 0x3003 | (levels << 9), RW)
    .set(DEVICE_TABLE, DTE + 1, 5);
  for (let level = levels; level > 1; level--)
    tables.entry(3 + levels - level, 0, level - 1, 4 + levels - level);
  return tables.entry(2 + levels, 0, 0, DATA);
}

export function request(type: RequestType, page = 0, length = type === "zero-length-read" ? 0 : 8): Request {
  return { requester: DEVICE, page, offset: 0, length, type };
}

/** EXEn, Allow, first and last page. */
export interface Excluded {
  readonly allow: boolean;
  readonly first: number;
  readonly last: number;
}

export function answer(
  tables: Tables,
  asked: Request,
  profile = "zen1",
  excluded?: Excluded,
): Translation<AmdViFaultRule> {
  const platform = platformOf(profileNamed(profile));
  if (excluded) {
    platform.exclusion.enabled = true;
    platform.exclusion.allowsAll = excluded.allow;
    platform.exclusion.basePage = excluded.first;
    platform.exclusion.limitPage = excluded.last;
  }
  const out = new Translation<AmdViFaultRule>();
  if (decideBeforeWalk(platform, asked, tables.translationEnabled(), out)) return out;
  walk(platform, tables, asked.requester, asked.page, out);
  decide(platform, asked, out);
  return out;
}

const short = (rule: AmdViFaultRule) => rule.id.slice("amdvi.".length);

/** Where the request goes, or the check that fails: first choice, and what hardware may say instead. */
export function outcome(tables: Tables, asked: Request, profile = "zen1", excluded?: Excluded): string {
  const { effect, rule, alternative } = answer(tables, asked, profile, excluded);
  if (rule)
    return `${short(rule)}${alternative ? ` or ${short(alternative)}` : ""}${effect === Effect.blocked ? "" : "?"}`;
  if (effect >= 0) return `page ${effect.toString(16)}`;
  if (effect === Effect.nowhere) return "nowhere";
  return effect === Effect.done ? "done" : "interrupt";
}

export const read = (tables: Tables, page = 0, profile = "zen1") =>
  outcome(tables, request("read", page), profile);
export const write = (tables: Tables, page = 0, profile = "zen1") =>
  outcome(tables, request("write", page), profile);
