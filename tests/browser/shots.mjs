// Takes screenshots of all pages into tests/browser/shots/ (ignored by git): phone and
// desktop, light and dark, with and without JavaScript.

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launchChromium, openWindow } from './lib/chromium.mjs';
import { connectCalendar } from './lib/connections.mjs';
import { startLatchkey } from './lib/latchkey.mjs';
import { pagesOf, screens } from './lib/pages.mjs';
import { allow, decline, pick, startSignIn } from './lib/sign-in.mjs';

const folder = fileURLToPath(new URL('shots/', import.meta.url));
await mkdir(folder, { recursive: true });
const app = await startLatchkey();
const browser = await launchChromium();
let taken = 0;

try {
  for (const { device, viewport, colorScheme } of screens) {
    for (const javaScriptEnabled of [true, false]) {
      const { page, context } = await openWindow(browser, { viewport, colorScheme, javaScriptEnabled });
      const takeScreenshot = async (name) => {
        const scripts = javaScriptEnabled ? 'js' : 'nojs';
        await page.screenshot({ path: `${folder}${name}-${device}-${colorScheme}-${scripts}.png`, fullPage: true });
        taken += 1;
      };
      for (const { name, path } of pagesOf.visitors) {
        await page.goto(app.origin + path);
        await takeScreenshot(name);
      }
      await startSignIn(page, app, 'GitHub');
      await takeScreenshot('local-provider');
      await decline(page);
      await page.waitForURL(`${app.origin}/**`);
      await takeScreenshot('declined');
      await startSignIn(page, app, 'Google');
      await pick(page, 'Ada Lovelace');
      await allow(page);
      await page.waitForURL(`${app.origin}/account`);
      for (const { name, path } of pagesOf.users) {
        await page.goto(app.origin + path);
        await takeScreenshot(name);
      }
      await connectCalendar(page, app);
      await takeScreenshot('connection');
      await page.goto(`${app.origin}/connections/google/calendar`);
      await takeScreenshot('connection-events');
      await context.close();
    }
  }
} finally {
  await browser.close();
  await app.stop();
}
console.log(`${taken} screenshots in ${folder}`);
