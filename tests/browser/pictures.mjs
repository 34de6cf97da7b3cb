// Renders favicon.ico and the link preview in static/ from the icon, and takes the
// screenshots for README: the sign-in page, and the comparison after a measurement.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launchChromium, openWindow } from './lib/chromium.mjs';
import { startLatchkey } from './lib/latchkey.mjs';

const staticFile = (name) => new URL(`../../static/${name}`, import.meta.url);
const icon = await readFile(staticFile('favicon.svg'), 'utf8');
const browser = await launchChromium();

async function render(width, height, style, body) {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.setContent(`<!doctype html><style>*{margin:0}${style}</style>${body}`);
  const png = await page.screenshot({ omitBackground: true });
  await page.close();
  return png;
}

/** An ICO file with one image: a header, a directory entry, and the PNG. */
function ico(png, size) {
  const header = Buffer.alloc(22);
  header.writeUInt16LE(1, 2);
  header.writeUInt16LE(1, 4);
  header.writeUInt8(size, 6);
  header.writeUInt8(size, 7);
  header.writeUInt16LE(1, 10);
  header.writeUInt16LE(32, 12);
  header.writeUInt32LE(png.length, 14);
  header.writeUInt32LE(header.length, 18);
  return Buffer.concat([header, png]);
}

await writeFile(staticFile('favicon.ico'), ico(await render(32, 32, 'svg{width:32px;height:32px;display:block}', icon), 32));
await writeFile(staticFile('preview.png'), await render(
  1200, 630,
  `body{height:630px;box-sizing:border-box;padding:0 110px;background:#fff;color:#131917;display:flex;gap:70px;align-items:center;font:600 112px/1 system-ui,sans-serif;letter-spacing:-5px}
   svg{height:300px}small{display:block;margin-top:34px;font-size:42px;font-weight:400;letter-spacing:-1px;color:#4d5854}`,
  `${icon}<div>Latchkey<small>Sign in, and stay in control</small></div>`,
));

const folder = fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
await mkdir(folder, { recursive: true });
const app = await startLatchkey();
try {
  const measuring = await browser.newPage();
  await measuring.goto(`${app.origin}/compare`);
  await measuring.getByRole('button', { name: 'Measure everything' }).click();
  const isRunning = () => measuring.getByText('A measurement is running').count();
  for (let attempt = 0; attempt === 0 || await isRunning() > 0; attempt += 1) {
    if (attempt === 90) throw new Error('the comparison did not finish in time');
    await measuring.waitForTimeout(2_000);
    await measuring.goto(`${app.origin}/compare`);
  }
  for (const colorScheme of ['light', 'dark']) {
    const viewport = { width: 1000, height: 860 };
    const { page, context } = await openWindow(browser, { viewport, colorScheme });
    for (const name of ['sign-in', 'compare']) {
      await page.goto(`${app.origin}/${name}`);
      await page.screenshot({ path: `${folder}${name}-${colorScheme}.png` });
    }
    await context.close();
  }
} finally {
  await browser.close();
  await app.stop();
}
