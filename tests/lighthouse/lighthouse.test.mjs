// Lighthouse for every public page. The performance score depends on the machine, so it is
// printed and not asserted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { startLatchkey } from '../browser/lib/latchkey.mjs';
import { pagesOf } from '../browser/lib/pages.mjs';

const PERFECT = { accessibility: 100, 'best-practices': 100, seo: 100 };
// Without error pages.
const PUBLIC = pagesOf.visitors.filter(({ status }) => status === undefined);
// Pages to audit without the demo.
const PRODUCT = PUBLIC.filter(({ name }) => ['home', 'sign-in'].includes(name));
// An audit spends half of its time waiting.
const THREADS = 2;

/** Audits pages in a worker thread. */
function audit(pages) {
  return new Promise((resolve, reject) => {
    const results = [];
    const worker = new Worker(new URL('audit.mjs', import.meta.url), { workerData: pages });
    worker.on('message', (result) => results.push(result));
    worker.on('error', reject);
    worker.on('exit', () => resolve(results));
  });
}

test('public pages score 100 for accessibility, best practices and SEO', async (context) => {
  const [demo, product] = await Promise.all([startLatchkey(), startLatchkey({ DEMO: 'off' })]);
  context.after(() => Promise.all([demo.stop(), product.stop()]));
  const pages = [
    ...PUBLIC.map(({ name, path }) => ({ name, url: demo.origin + path })),
    ...PRODUCT.map(({ name, path }) => ({ name: `${name}, without the demo`, url: product.origin + path })),
  ];
  const batches = Array.from({ length: THREADS }, (_, batch) =>
    pages.filter((_, index) => index % THREADS === batch));
  const results = (await Promise.all(batches.map(audit))).flat();
  for (const { name, speed, scores, failed } of results) {
    const points = Object.entries(scores).map(([category, score]) => `${category} ${score}`);
    console.log(`${name}: ${points.join(', ')}; speed ${speed}`);
  }
  for (const { name, scores, failed } of results) {
    assert.deepEqual(failed, [], name);
    assert.deepEqual(scores, PERFECT, name);
  }
  assert.equal(results.length, pages.length);
});
