/** The document of the format names every field, and its example is none that could not be. */
import { readFileSync } from "node:fs";
import * as t from "io-ts";
import { describe, expect, it } from "vitest";
import { resultCodec } from "./result.js";

const text = readFileSync(new URL("../docs/result-format.md", import.meta.url), "utf8");

/** The names of all fields within a codec. */
function fieldsOf(codec: t.Mixed): string[] {
  if (codec instanceof t.ExactType) return fieldsOf(codec.type);
  if (codec instanceof t.InterfaceType)
    return Object.entries(codec.props as t.AnyProps).flatMap(([name, one]) => [name, ...fieldsOf(one)]);
  if (codec instanceof t.ArrayType) return fieldsOf(codec.type);
  if (codec instanceof t.UnionType || codec instanceof t.IntersectionType)
    return (codec.types as t.Mixed[]).flatMap(fieldsOf);
  return [];
}

/** Every field of the value is one that the codec has, and of its type; some may be missing. */
function expectKnown(value: unknown, codec: t.Mixed, place: string): void {
  if (codec instanceof t.ExactType) expectKnown(value, codec.type, place);
  else if (codec instanceof t.UnionType) expectKnown(value, codec.types[0], place);
  else if (codec instanceof t.ArrayType) {
    for (const [index, one] of (value as unknown[]).entries())
      expectKnown(one, codec.type, `${place}[${index}]`);
  } else if (codec instanceof t.InterfaceType) {
    const props = codec.props as t.AnyProps;
    for (const [name, one] of Object.entries(value as object)) {
      expect(Object.keys(props), place).toContain(name);
      expectKnown(one, props[name]!, `${place}.${name}`);
    }
  } else expect(codec.is(value), place).toBe(true);
}

describe("docs/result-format.md", () => {
  it("names every field of the codec", () => {
    const fields = [...new Set(fieldsOf(resultCodec))];
    expect(fields.length).toBeGreaterThan(60);
    const missing = fields.filter((one) => !new RegExp(`\`([\\w.[\\]]+\\.)?${one}(\\[\\])?\``).test(text));
    expect(missing).toEqual([]);
  });

  it("has an example of fields that there are", () => {
    const [, example] = /```json\n([\s\S]*?)```/.exec(text)!;
    expectKnown(JSON.parse(example!), resultCodec, "result");
  });
});
