/**
 * Takes a web of objects back to an earlier moment, in place: every object below a root gets the fields, entries or
 * elements back that it had. Objects keep their identity, so whatever else refers to them stays right.
 *
 * Most of a web never changes. What does is learned by looking: an object is kept from the first time on that it was seen
 * to differ, and everything is looked at again and again, so that a change of something that is not kept is noticed.
 */

import { PhysicalMemory } from "../../model/words/memory.js";
import { copyOfMemory, type MemoryCopy, restoreMemory } from "./memory-copy.js";

type Fields = Record<string, unknown>;
type Numbers = Int32Array | Uint32Array | Uint8Array | Float64Array;
type Contents = readonly unknown[] | MemoryCopy | Numbers;

/** Objects as they were. */
export interface Moment {
  readonly objects: readonly object[];
  /** By object: its fields in order, entries one after the other, or elements. */
  readonly contents: readonly Contents[];
}

export class Web {
  /** The objects there were in the beginning, as they were then. */
  private readonly first = new Map<object, Contents>();
  /** Those of them that have been seen to change. */
  private readonly changing = new Set<object>();

  /**
   * @param roots what everything else is found from
   * @param isConstant true for an object that never changes, nor anything below it
   */
  constructor(
    roots: readonly object[],
    private readonly isConstant: (value: object) => boolean,
  ) {
    for (const root of roots) this.meet(root);
  }

  private meet(value: unknown): void {
    if (typeof value !== "object" || value === null || this.first.has(value) || this.isConstant(value))
      return;
    const contents = contentsOf(value);
    this.first.set(value, contents);
    if (Array.isArray(contents)) for (const one of contents) this.meet(one);
  }

  /** Looks for objects that differ from the beginning and were not known to. True when there are some. */
  learn(): boolean {
    const before = this.changing.size;
    for (const [object, contents] of this.first)
      if (!this.changing.has(object) && !holds(object, contents)) this.changing.add(object);
    return this.changing.size > before;
  }

  /** Takes everything back to the beginning. */
  goToStart(): void {
    for (const [object, contents] of this.first) putBack(object, contents);
  }

  /** The present moment: what is known to change, and what has come since the beginning. */
  moment(): Moment {
    const objects: object[] = [...this.changing];
    const contents: Contents[] = [];
    const known = new Set<object>();
    for (let index = 0; index < objects.length; index++) {
      const found = contentsOf(objects[index]!);
      contents.push(found);
      if (!Array.isArray(found)) continue;
      for (const one of found as readonly unknown[]) {
        if (typeof one !== "object" || one === null || known.has(one) || this.first.has(one)) continue;
        known.add(one);
        if (!this.isConstant(one)) objects.push(one);
      }
    }
    return { objects, contents };
  }

  /** Takes everything that changes back to a moment. */
  goBack({ objects, contents }: Moment): void {
    for (let index = 0; index < objects.length; index++) putBack(objects[index]!, contents[index]!);
  }
}

function contentsOf(value: object): Contents {
  if (Array.isArray(value)) return value.slice();
  if (value instanceof Map) {
    const entries: unknown[] = [];
    for (const [key, one] of value) entries.push(key, one);
    return entries;
  }
  if (value instanceof Set) return [...value];
  if (value instanceof PhysicalMemory) return copyOfMemory(value);
  if (ArrayBuffer.isView(value)) return (value as Numbers).slice();
  return Object.values(value);
}

/** True when the object is as it was. */
function holds(object: object, contents: Contents): boolean {
  if (object instanceof PhysicalMemory) return false;
  const then = contents as ArrayLike<unknown>;
  const now = Array.isArray(object) || ArrayBuffer.isView(object) ? object : contentsOf(object);
  const list = now as unknown as ArrayLike<unknown>;
  if (list.length !== then.length) return false;
  for (let index = 0; index < list.length; index++) if (!Object.is(list[index], then[index])) return false;
  return true;
}

function putBack(object: object, contents: Contents): void {
  if (Array.isArray(object)) {
    const elements = contents as readonly unknown[];
    object.length = elements.length;
    for (let index = 0; index < elements.length; index++) object[index] = elements[index];
  } else if (object instanceof Map) putBackEntries(object, contents as readonly unknown[]);
  else if (object instanceof Set) putBackMembers(object, contents as readonly unknown[]);
  else if (object instanceof PhysicalMemory) restoreMemory(object, contents as MemoryCopy);
  else if (ArrayBuffer.isView(object)) (object as Numbers).set(contents as Numbers);
  else putBackFields(object as Fields, contents as readonly unknown[]);
}

/** Looking is cheaper than writing: most maps and sets are as they were. */
function putBackEntries(map: Map<unknown, unknown>, entries: readonly unknown[]): void {
  let index = 0;
  if (map.size * 2 === entries.length)
    for (const [key, value] of map) {
      if (key !== entries[index] || value !== entries[index + 1]) break;
      index += 2;
    }
  if (index === entries.length && map.size * 2 === index) return;
  map.clear();
  for (index = 0; index < entries.length; index += 2) map.set(entries[index], entries[index + 1]);
}

function putBackMembers(set: Set<unknown>, members: readonly unknown[]): void {
  let index = 0;
  if (set.size === members.length)
    for (const one of set) {
      if (one !== members[index]) break;
      index++;
    }
  if (index === members.length && set.size === index) return;
  set.clear();
  for (const one of members) set.add(one);
}

function putBackFields(object: Fields, values: readonly unknown[]): void {
  let index = 0;
  for (const name in object) {
    const value = values[index++];
    if (object[name] !== value) object[name] = value;
  }
}
