import { create } from "@bufbuild/protobuf";
import type { AttributeProto, NodeProto } from "../model/onnx-messages.ts";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as Type,
} from "../model/onnx-schema.ts";

/** An attribute as rules write it: integers, lists of integers, strings, and marked floats. */
export type AttributeValue = number | readonly number[] | string | { readonly float: number };

/** Attributes of a node about to be made; `undefined` entries are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** Makes the messages of a node's attributes. */
export function makeAttributes(attributes: Attributes): AttributeProto[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    if (value === undefined) {
      return [];
    }
    if (typeof value === "number") {
      return [create(AttributeProtoSchema, { name, type: Type.INT, i: BigInt(value) })];
    }
    if (typeof value === "string") {
      // Attribute strings of ONNX operators are ASCII.
      const s = Uint8Array.from(value, (character) => character.charCodeAt(0));
      return [create(AttributeProtoSchema, { name, type: Type.STRING, s })];
    }
    if ("float" in value) {
      return [create(AttributeProtoSchema, { name, type: Type.FLOAT, f: value.float })];
    }
    return [create(AttributeProtoSchema, { name, type: Type.INTS, ints: value.map(BigInt) })];
  });
}

function find(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

/** An integer attribute, or `fallback` when the node lacks it. */
export function intAttribute<T>(node: NodeProto, name: string, fallback: T): number | T {
  const attribute = find(node, name);
  return attribute === undefined ? fallback : Number(attribute.i);
}

/** A float attribute, or `fallback` when the node lacks it. */
export function floatAttribute<T>(node: NodeProto, name: string, fallback: T): number | T {
  return find(node, name)?.f ?? fallback;
}

/** A list of integers, or `undefined` when the node lacks it. */
export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  return find(node, name)?.ints.map(Number);
}

/** A list of floats, or `undefined` when the node lacks it. */
export function floatsAttribute(node: NodeProto, name: string): number[] | undefined {
  return find(node, name)?.floats;
}

/** A string attribute, or `fallback` when the node lacks it. */
export function stringAttribute(node: NodeProto, name: string, fallback: string): string {
  return stringOf(find(node, name)?.s) ?? fallback;
}

/** A list of strings, or `undefined` when the node lacks it. */
export function stringsAttribute(node: NodeProto, name: string): string[] | undefined {
  return find(node, name)?.strings.map((s) => stringOf(s) as string);
}

function stringOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && String.fromCharCode(...bytes);
}
