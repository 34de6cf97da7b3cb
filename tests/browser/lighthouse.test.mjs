// Every public page, judged by Lighthouse. What it says of speed is a matter of the machine,
// and is printed, not asserted.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import lighthouse from 'lighthouse';
import { launchChromium } from './lib/chromium.mjs';
import { freePort, startLatchkey } from './lib/latchkey.mjs';
import { pagesOf } from './lib/pages.mjs';

const PERFECT = ['accessibility', 'best-practices', 'seo'];
// Pages that answer with an error are no place to be found.
const FOUND = pagesOf.visitors.filter(({ name }) => !['not-found', 'sign-in-required', 'callback-stray'].includes(name));

let app;
let browser;
let port;
before(async () => {
  port = await freePort();
  [app, browser] = await Promise.all([startLatchkey(), launchChromium([`--remote-debugging-port=${port}`])]);
});
after(async () => { await browser?.close(); await app?.stop(); });

test('nothing is left to improve', async (context) => {
  for (const { name, path } of FOUND) {
    const settings = { port, logLevel: 'silent', output: 'json', throttlingMethod: 'provided' };
    const { lhr } = await lighthouse(app.origin + path, settings);
    // A page that it did not get to see in time is not judged.
    assert.equal(lhr.runtimeError, undefined, path);
    const { performance, ...others } = lhr.categories;
    context.diagnostic(`${name}: performance ${Math.round(performance.score * 100)}`);
    const audits = Object.values(others).flatMap(({ id, auditRefs }) =>
      auditRefs.filter((ref) => ref.weight > 0 && lhr.audits[ref.id].score < 1 && lhr.audits[ref.id].score !== null)
        .map((ref) => `${id}: ${lhr.audits[ref.id].title}`));
    assert.deepEqual(audits, [], path);
    for (const category of PERFECT) assert.equal(others[category].score, 1, `${path}: ${category}`);
  }
});
