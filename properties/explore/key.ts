/** Keys of 128 bits for states, and a set of them. */

/** Four lanes of 32 bits. */
export type Key = readonly [number, number, number, number];

const LANES = 4;
const MULTIPLIERS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const;
const ROTATIONS = [13, 15, 17, 19] as const;

/** The key of a list of 32-bit values: every lane takes every value, and at the end every lane every other. */
export function keyOf(values: ArrayLike<number>, length = values.length): Key {
  const lanes = MULTIPLIERS.map((one) => one ^ length) as [number, number, number, number];
  for (let index = 0; index < length; index++) {
    const value = values[index]!;
    for (let lane = 0; lane < LANES; lane++) {
      const mixed = Math.imul(lanes[lane]! ^ Math.imul(value, MULTIPLIERS[lane]!), 0x5bd1e995 + 2 * lane);
      const turn = ROTATIONS[lane]!;
      lanes[lane] = (mixed << turn) | (mixed >>> (32 - turn));
    }
  }
  for (let round = 0; round < 2; round++)
    for (let lane = 0; lane < LANES; lane++)
      lanes[lane] = finished(lanes[lane]! + lanes[(lane + 1) % LANES]!);
  return lanes;
}

/** Every bit of the result depends on every bit of the value. */
function finished(value: number): number {
  let bits = value ^ (value >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** The odds that two of that many different states have the same key, if keys are as good as drawn. */
export function oddsOfCollision(states: number): number {
  return (states * (states - 1)) / 2 / 2 ** 128;
}

/** A set of keys: open addressing, exact. */
export class KeySet {
  private slots = new Int32Array(1024 * LANES);
  private used = new Uint8Array(1024);
  private mask = 1023;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Adds a key. False when it was there. */
  add(key: Key): boolean {
    if (this.count * 2 > this.mask) this.grow();
    const slot = this.find(key);
    if (this.used[slot] === 1) return false;
    this.used[slot] = 1;
    this.slots.set(key, slot * LANES);
    this.count++;
    return true;
  }

  /** Every key, lane after lane. */
  all(): Int32Array {
    const lanes = new Int32Array(this.count * LANES);
    let at = 0;
    this.used.forEach((isUsed, slot) => {
      if (isUsed === 1) lanes.set(this.slots.subarray(slot * LANES, (slot + 1) * LANES), LANES * at++);
    });
    return lanes;
  }

  /** Adds what {@link all} gave. */
  addAll(lanes: Int32Array): void {
    for (let at = 0; at < lanes.length; at += LANES)
      this.add([lanes[at]!, lanes[at + 1]!, lanes[at + 2]!, lanes[at + 3]!]);
  }

  private find(key: Key): number {
    const { slots, used, mask } = this;
    let slot = key[0] & mask;
    while (used[slot] === 1) {
      const at = slot * LANES;
      if (
        slots[at] === key[0] &&
        slots[at + 1] === key[1] &&
        slots[at + 2] === key[2] &&
        slots[at + 3] === key[3]
      )
        break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const { slots, used } = this;
    const size = (this.mask + 1) * 2;
    this.slots = new Int32Array(size * LANES);
    this.used = new Uint8Array(size);
    this.mask = size - 1;
    used.forEach((isUsed, slot) => {
      if (isUsed === 0) return;
      const at = slot * LANES;
      const key: Key = [slots[at]!, slots[at + 1]!, slots[at + 2]!, slots[at + 3]!];
      const into = this.find(key);
      this.used[into] = 1;
      this.slots.set(key, into * LANES);
    });
  }
}
