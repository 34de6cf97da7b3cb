// Every public page, judged by Lighthouse. What it says of speed is a matter of the machine,
// and is printed, not asserted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { startLatchkey } from '../browser/lib/latchkey.mjs';
import { pagesOf } from '../browser/lib/pages.mjs';

const PERFECT = { accessibility: 100, 'best-practices': 100, seo: 100 };
// Pages that answer with an error are no place to be found.
const FOUND = pagesOf.visitors.filter(({ status }) => status === undefined);
// What end users see where the demo is off.
const PRODUCT = FOUND.filter(({ name }) => ['home', 'sign-in'].includes(name));
// It waits as much as it computes.
const THREADS = 2;

/** What a thread says of these pages. */
function judge(pages) {
  return new Promise((resolve, reject) => {
    const verdicts = [];
    const worker = new Worker(new URL('judge.mjs', import.meta.url), { workerData: pages });
    worker.on('message', (verdict) => verdicts.push(verdict));
    worker.on('error', reject);
    worker.on('exit', () => resolve(verdicts));
  });
}

test('nothing is left to improve', async (context) => {
  const [demo, product] = await Promise.all([startLatchkey(), startLatchkey({ DEMO: 'off' })]);
  context.after(() => Promise.all([demo.stop(), product.stop()]));
  const pages = [
    ...FOUND.map(({ name, path }) => ({ name, url: demo.origin + path })),
    ...PRODUCT.map(({ name, path }) => ({ name: `${name}, without the demo`, url: product.origin + path })),
  ];
  const shares = Array.from({ length: THREADS }, (_, share) => pages.filter((_, index) => index % THREADS === share));
  const verdicts = (await Promise.all(shares.map(judge))).flat();
  for (const { name, speed, scores, lost } of verdicts) {
    const points = Object.entries(scores).map(([category, score]) => `${category} ${score}`);
    console.log(`${name}: ${points.join(', ')}; speed ${speed}`);
  }
  for (const { name, scores, lost } of verdicts) {
    assert.deepEqual(lost, [], name);
    assert.deepEqual(scores, PERFECT, name);
  }
  assert.equal(verdicts.length, pages.length);
});
