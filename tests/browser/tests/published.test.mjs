// A published comparison: a static site that works from disk and loads nothing else.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { report, violations } from '../lib/axe.mjs';
import { launchChromium } from '../lib/chromium.mjs';
import { program } from '../lib/latchkey.mjs';
import { screens } from '../lib/pages.mjs';

// With a curve, with bars, and with facts only.
const CLAIMS = { 3: 'speed', 4: 'size', 9: 'granular' };

describe('a published comparison', () => {
  let browser;
  let folder;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-published-'));
    const claims = Object.keys(CLAIMS).flatMap((number) => ['--claim', number]);
    const run = () => promisify(execFile)(program, ['compare', '--publish', folder, ...claims], { cwd: folder });
    // A busy machine gets a second chance: its speed is not tested here.
    await run().catch(run);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });
  after(() => console.log(report()));

  test('opens from disk without scripts or requests, and is accessible', async () => {
    const site = pathToFileURL(`${folder}/`).href;
    const context = await browser.newContext();
    const [requests, messages, problems] = [[], [], []];
    context.on('request', (request) => requests.push(request.url()));
    context.on('console', (message) => messages.push(message.text()));
    context.on('weberror', (error) => messages.push(String(error.error())));
    const page = await context.newPage();
    const pages = (await readdir(folder)).filter((name) => name.endsWith('.html')).sort();
    assert.deepEqual(pages, ['index', ...Object.values(CLAIMS)].map((name) => `${name}.html`).sort());
    for (const name of pages) {
      await page.goto(site + name);
      assert.equal(await page.locator('script:not([type="application/ld+json"])').count(), 0, name);
      await page.locator('details').evaluateAll((all) => all.forEach((one) => { one.open = true; }));
      for (const { device, viewport, colorScheme } of screens) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        // A page opened from disk may not fetch its stylesheet, which axe-core would do.
        for (const one of await violations(page, { preload: false })) {
          problems.push(`${name}, ${device}, ${colorScheme}: ${one}`);
        }
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (tooWide > 0) problems.push(`${name}, ${device}: ${tooWide} pixels too wide`);
      }
    }
    // From the list to a claim, and back.
    await page.getByRole('link', { name: 'All claims' }).click();
    await page.locator('.tally').waitFor();
    await page.getByRole('link', { name: 'A JWT is faster than a session' }).click();
    await page.locator('svg.curve').waitFor();
    assert.match(await page.locator('script[type="application/ld+json"]').textContent(), /ClaimReview/);
    assert.deepEqual(problems, []);
    assert.deepEqual(messages, []);
    assert.deepEqual(requests.filter((url) => !url.startsWith(site)), []);
    assert.ok(requests.includes(`${site}app.css`), 'the test sees requests');
  });
});
