// A worker thread that audits pages with Lighthouse, which can audit only one page at a time
// in a thread.

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
  // Pages load nothing later, so the longer default waits are not needed.
  pauseAfterFcpMs: 100,
  pauseAfterLoadMs: 100,
  networkQuietThresholdMs: 300,
  cpuQuietThresholdMs: 300,
};

const auditsOf = ({ audits }, category) =>
  category.auditRefs.filter(({ weight }) => weight > 0).map(({ id }) => audits[id]);

/** Why the result is invalid: the page timed out on a busy machine, or an audit failed. */
function invalidReason(result, categories) {
  if (result.runtimeError) return result.runtimeError.message;
  if (result.runWarnings.length > 0) return result.runWarnings.join(' ');
  const audits = categories.flatMap((category) => auditsOf(result, category));
  return audits.find(({ scoreDisplayMode }) => scoreDisplayMode === 'error')?.errorMessage;
}

async function audit(url) {
  let reason;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      const { lhr } = await lighthouse(url, settings);
      const { performance, ...others } = lhr.categories;
      const categories = Object.values(others);
      reason = invalidReason(lhr, categories);
      if (reason) continue;
      const scores = Object.fromEntries(categories.map(({ id, score }) => [id, Math.round(score * 100)]));
      const failed = categories.flatMap((category) =>
        auditsOf(lhr, category).filter(({ score }) => score !== null && score < 1)
          .map(({ title }) => `${category.id}: ${title}`));
      return { scores, failed, speed: Math.round(performance.score * 100) };
    } catch (error) {
      reason = error.message;
    }
  }
  throw new Error(`${url} was not audited after ${ATTEMPTS} attempts: ${reason}`);
}

try {
  for (const { name, url } of workerData) parentPort.postMessage({ name, ...await audit(url) });
} finally {
  await browser.close();
}
