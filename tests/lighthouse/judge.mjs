// A thread that tells what Lighthouse says of some pages, one after the other: in one thread
// it cannot judge two at once.

import { parentPort, workerData } from 'node:worker_threads';
import lighthouse from 'lighthouse';
import { launchChromium } from '../browser/lib/chromium.mjs';
import { freePort } from '../browser/lib/latchkey.mjs';

const ATTEMPTS = 3;

const port = await freePort();
const browser = await launchChromium([`--remote-debugging-port=${port}`]);
const settings = {
  port,
  logLevel: 'silent',
  disableFullPageScreenshot: true,
  skipAboutBlank: true,
  // A page asks for nothing after it has loaded; waiting whether one does is most of the time.
  pauseAfterFcpMs: 100,
  pauseAfterLoadMs: 100,
  networkQuietThresholdMs: 300,
  cpuQuietThresholdMs: 300,
};

const auditsOf = ({ audits }, category) =>
  category.auditRefs.filter(({ weight }) => weight > 0).map(({ id }) => audits[id]);

/** Why this is no verdict: a busy machine did not show the page in time, or an audit broke off. */
function whyNone(result, judged) {
  if (result.runtimeError) return result.runtimeError.message;
  if (result.runWarnings.length > 0) return result.runWarnings.join(' ');
  const audits = judged.flatMap((category) => auditsOf(result, category));
  return audits.find(({ scoreDisplayMode }) => scoreDisplayMode === 'error')?.errorMessage;
}

async function judge(url) {
  let why;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      const { lhr } = await lighthouse(url, settings);
      const { performance, ...others } = lhr.categories;
      const judged = Object.values(others);
      why = whyNone(lhr, judged);
      if (why) continue;
      const scores = Object.fromEntries(judged.map(({ id, score }) => [id, Math.round(score * 100)]));
      const lost = judged.flatMap((category) =>
        auditsOf(lhr, category).filter(({ score }) => score !== null && score < 1)
          .map(({ title }) => `${category.id}: ${title}`));
      return { scores, lost, speed: Math.round(performance.score * 100) };
    } catch (error) {
      why = error.message;
    }
  }
  throw new Error(`${url} was not judged, asked ${ATTEMPTS} times: ${why}`);
}

try {
  for (const { name, url } of workerData) parentPort.postMessage({ name, ...await judge(url) });
} finally {
  await browser.close();
}
