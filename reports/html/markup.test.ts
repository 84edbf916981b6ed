import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { counted, embeddedJson, html, Markup } from "./markup.js";

describe("html", () => {
  test("escapes what is put into it, in content and in attributes", () => {
    const hostile = `<b onclick="x('y')">&</b>`;
    const escaped = "&lt;b onclick=&quot;x(&#39;y&#39;)&quot;&gt;&amp;&lt;/b&gt;";
    expect(html`<p title="${hostile}">${hostile}</p>`.text).toBe(`<p title="${escaped}">${escaped}</p>`);
  });

  test("takes markup as it is, lists one after the other, and nothing for null", () => {
    const items = ["a", "<"].map((one) => html`<li>${one}</li>`);
    expect(html`${items}${null}${3}${new Markup("<hr>")}`.text).toBe("<li>a</li><li>&lt;</li>3<hr>");
  });
});

describe("embedded JSON", () => {
  test("reads back as it was, and holds nothing that ends a script element", () => {
    const parts = fc.constantFrom("</script>", "<!--", "\u2028", "\u2029", "]]>", "&lt;", "\\", '"', "a");
    const text = fc.array(parts, { maxLength: 8 }).map((one) => one.join(""));
    const value = fc.dictionary(text, text, { maxKeys: 4 });
    fc.assert(
      fc.property(value, (one) => {
        const { text } = embeddedJson(one);
        expect(text).not.toMatch(/[<>&\u2028\u2029]/);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(one)));
      }),
    );
  });
});

test("what is counted agrees with its number", () => {
  expect([0, 1, 12_345].map((one) => counted(one, "run"))).toEqual(["0 runs", "1 run", "12,345 runs"]);
});
