// Actions on the connections page.

import { allow, pick } from './sign-in.mjs';

/** The section of a provider. */
export const providerSection = (page, slug) => page.locator(`section#${slug}`);

/** Consents at the provider, after deselecting these scopes. */
export async function consent(page, app, except = []) {
  await page.waitForURL(`${app.idp}/**`);
  await pick(page, 'Ada Lovelace');
  for (const scope of except) await page.locator(`input[name=scope][value="${scope}"]`).uncheck();
  await allow(page);
  await page.waitForURL(/\/connections\?done=/);
}

/** Connects the Google calendar, unless it is connected. */
export async function connectCalendar(page, app) {
  await page.goto(`${app.origin}/connections`);
  const calendar = providerSection(page, 'google').getByLabel('Calendar, read only');
  if (await calendar.count() === 0) return;
  await calendar.check();
  await page.getByRole('button', { name: 'Connect Google', exact: true }).click();
  await consent(page, app);
}
