import { describe, expect, it } from "vitest";
import { DomainIds } from "./domain-ids.js";

describe("domain ids", () => {
  it("begin with 1 and come back as soon as they are free", () => {
    const ids = new DomainIds(4);
    expect([ids.allocate(), ids.allocate(), ids.allocate()]).toEqual([1, 2, 3]);
    expect(() => ids.allocate()).toThrow("all 3 domain ids are in use");
    ids.release(2);
    expect(ids.allocate()).toBe(2);
  });
});
