// User actions of the sign-in flow.

import assert from 'node:assert/strict';

/**
 * Clicks a submit button or link, and waits for the next page. waitForURL() does not work if
 * the URL stays the same, and waitForLoadState() may still see the old page.
 */
export async function press(page, element) {
  await Promise.all([page.waitForEvent('load'), element.click()]);
}

/** Opens the sign-in page and presses "Continue with …". */
export async function startSignIn(page, app, label, path = '/sign-in') {
  await page.goto(app.origin + path);
  await page.getByRole('button', { name: `Continue with ${label}` }).click();
  await page.waitForURL(`${app.idp}/**`);
}

/** Selects a person on the page of the local provider. */
export async function pick(page, name) {
  await page.locator('label.person', { hasText: name }).first().click();
}

export const allow = (page) => page.getByRole('button', { name: 'Allow', exact: true }).click();
export const decline = (page) => page.getByRole('button', { name: 'Decline', exact: true }).click();

/** Signs in and waits for the account page. */
export async function signIn(page, app, label, name) {
  await startSignIn(page, app, label);
  await pick(page, name);
  await allow(page);
  await page.waitForURL(`${app.origin}/account`);
}

export async function assertSignedInAs(page, app, name) {
  await page.goto(`${app.origin}/account`);
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), name);
}

export async function assertSignedOut(page, app) {
  const response = await page.goto(`${app.origin}/account`);
  assert.equal(response.status(), 401);
  assert.equal(response.headers()['x-error-code'], 'sign_in_required');
}

export const signOut = (page) => page.getByRole('button', { name: 'Sign out', exact: true }).click();
