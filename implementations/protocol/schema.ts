/** The codecs of messages as a JSON Schema. */
import * as t from "io-ts";
import { PRINTABLE, Some, Text, WholeNumber } from "./codec.js";
import { type Messages, messages } from "./messages.js";

type Schema = { readonly [key: string]: unknown };

/** The schema of every message, by role and sender; a line of a conversation is one of them. */
export function protocolSchema(): Schema {
  const parts = Object.entries(messages).flatMap(([role, { suite, program }]: [string, Messages]) => [
    { name: `${role}-suite`, codecs: suite },
    { name: `${role}-program`, codecs: program },
  ]);
  const definitions = parts.flatMap(({ name, codecs }) => [
    ...Object.entries(codecs).map(([kind, codec]) => [`${name}-${kind}`, schemaOf(codec)]),
    [name, { anyOf: Object.keys(codecs).map((kind) => reference(`${name}-${kind}`)) }],
  ]);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "iommu-spec protocol 1",
    description:
      "One line of a conversation between the suite and a program under test, as docs/protocol.md has it",
    anyOf: parts.map(({ name }) => reference(name)),
    $defs: Object.fromEntries(definitions),
  };
}

function reference(name: string): Schema {
  return { $ref: `#/$defs/${name}` };
}

/** @throws TypeError for a codec that no message is made of */
function schemaOf(codec: t.Mixed): Schema {
  if (codec instanceof WholeNumber) return { type: "integer", minimum: codec.low, maximum: codec.high };
  if (codec instanceof Text) return { type: "string", maxLength: codec.longest, pattern: PRINTABLE.source };
  if (codec instanceof Some) return { type: "array", items: schemaOf(codec.item), minItems: 1 };
  if (codec instanceof t.StringType) return { type: "string" };
  if (codec instanceof t.BooleanType) return { type: "boolean" };
  if (codec instanceof t.NullType) return { type: "null" };
  if (codec instanceof t.LiteralType) return { const: codec.value };
  if (codec instanceof t.ArrayType) return { type: "array", items: schemaOf(codec.type) };
  if (codec instanceof t.ExactType) return schemaOf(codec.type);
  if (codec instanceof t.InterfaceType) return objectSchema(codec.props, Object.keys(codec.props));
  if (codec instanceof t.PartialType) return objectSchema(codec.props, []);
  if (codec instanceof t.IntersectionType) return { allOf: codec.types.map(schemaOf) };
  if (codec instanceof t.UnionType) return unionSchema(codec.types);
  throw new TypeError(`no schema for ${codec.name}`);
}

function objectSchema(props: Readonly<Record<string, t.Mixed>>, required: readonly string[]): Schema {
  const properties = Object.entries(props).map(([name, codec]) => [name, schemaOf(codec)]);
  return { type: "object", properties: Object.fromEntries(properties), required };
}

function unionSchema(types: readonly t.Mixed[]): Schema {
  const literals = types.filter((one) => one instanceof t.LiteralType);
  if (literals.length === types.length) return { enum: literals.map((one) => one.value) };
  return { anyOf: types.map(schemaOf) };
}
