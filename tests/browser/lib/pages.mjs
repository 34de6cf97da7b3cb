// All pages, and the screen sizes and color schemes to check them with. An error page has
// another status than 200, and the code of its error.

export const pagesOf = {
  visitors: [
    { name: 'home', path: '/' },
    { name: 'sign-in', path: '/sign-in' },
    { name: 'sign-up', path: '/sign-up' },
    { name: 'forgot', path: '/forgot' },
    { name: 'outbox', path: '/outbox' },
    { name: 'doctor', path: '/doctor' },
    { name: 'errors', path: '/errors' },
    { name: 'error-entry', path: '/errors/email_taken' },
    { name: 'not-found', path: '/nothing-here', status: 404, code: 'not_found' },
    { name: 'sign-in-required', path: '/account', status: 401, code: 'sign_in_required' },
    { name: 'callback-stray', path: '/auth/google/callback?state=made-up&code=x', status: 400, code: 'attempt_unknown' },
    { name: 'docs', path: '/docs' },
    { name: 'lab', path: '/lab' },
    { name: 'lab-attack', path: '/lab/jwt_none' },
    { name: 'stopwatch', path: '/stopwatch' },
    { name: 'compare', path: '/compare' },
    { name: 'inspector', path: '/inspector' },
    { name: 'drill', path: '/drill' },
    { name: 'choose', path: '/choose' },
    { name: 'choose-answered', path: '/choose?passwords=both&callers=others&ending=minutes&services=apart&database=far&delegation=yes' },
  ],
  users: [
    { name: 'home-signed-in', path: '/' },
    { name: 'account', path: '/account' },
    { name: 'connections', path: '/connections' },
    { name: 'connection-missing', path: '/connections/google/calendar', status: 404, code: 'not_connected' },
    { name: 'traces', path: '/traces' },
  ],
};

export const screens = ['light', 'dark'].flatMap((colorScheme) => [
  { device: 'phone', viewport: { width: 390, height: 844 }, colorScheme },
  { device: 'desktop', viewport: { width: 1280, height: 900 }, colorScheme },
]);
