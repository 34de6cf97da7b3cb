// What axe-core finds wrong with a page: WCAG 2.2 AA, and its own advice.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** One line for each violation. */
export async function violations(page, options = {}) {
  // Through the debugger, so that the page's own policy need not be loosened.
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
  const { violations: found, passes } = await page.evaluate(
    ([values, more]) => axe.run(document, { runOnly: { type: 'tag', values }, ...more }),
    [RULES, options],
  );
  assert.ok(passes.length > 10, 'axe-core looked at the page');
  return found.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
}
