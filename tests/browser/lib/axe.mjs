// What axe-core finds wrong with a page: WCAG 2.2 AA, and its own advice.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const looked = { pages: new Set(), states: 0, wrong: 0 };

/** One line for each violation. */
export async function violations(page, options = {}) {
  // Through the debugger, so that the page's own policy need not be loosened.
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
  const { violations: found, passes } = await page.evaluate(
    ([values, more]) => axe.run(document, { runOnly: { type: 'tag', values }, ...more }),
    [RULES, options],
  );
  assert.ok(passes.length > 10, 'axe-core looked at the page');
  const lines = found.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
  looked.pages.add(new URL(page.url()).pathname);
  looked.states += 1;
  looked.wrong += lines.length;
  return lines;
}

/** How much was looked at in this file of tests, in one line. */
export function report() {
  const { pages, states, wrong } = looked;
  return `axe-core: ${pages.size} pages in ${states} states, ${wrong === 0 ? 'no violation' : `${wrong} violations`}`;
}
