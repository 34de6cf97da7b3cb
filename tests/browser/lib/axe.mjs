// Accessibility checks with axe-core: WCAG 2.2 AA and best practices.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const totals = { pages: new Set(), states: 0, violations: 0 };

/** One line for each violation. */
export async function violations(page, options = {}) {
  // Through the debugger, which the page's CSP does not block.
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
  const { violations: found, passes } = await page.evaluate(
    ([values, more]) => axe.run(document, { runOnly: { type: 'tag', values }, ...more }),
    [RULES, options],
  );
  assert.ok(passes.length > 10, 'axe-core has checked the page');
  const lines = found.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
  totals.pages.add(new URL(page.url()).pathname);
  totals.states += 1;
  totals.violations += lines.length;
  return lines;
}

/** A summary of all checks so far. */
export function report() {
  const { pages, states, violations: count } = totals;
  return `axe-core: ${pages.size} pages in ${states} states, ${count === 0 ? 'no violation' : `${count} violations`}`;
}
