//! The page layout, with and without the demo.

use latchkey_domain::AuditId;
use latchkey_domain::audit::{Actor, Event, Kind};
use latchkey_store::audit;
use latchkey_tests::accounts::{self, PASSWORD};
use latchkey_tests::demo_absent::{DEMO_PATHS, assert_no_demo};
use latchkey_tests::{Browser, Latchkey, Page, Setup};

const ADA: &str = "ada@example.test";

async fn sign_up(browser: &mut Browser, app: &Latchkey) -> Page {
    let fields = [("name", "Ada"), ("email", ADA), ("password", PASSWORD)];
    browser.post(&app.url("/sign-up"), &fields).await
}

/// By default outside development, or with DEMO=off.
#[tokio::test]
async fn disabled_demo_has_no_pages_or_links() {
    let off = Setup::new().set("DEMO", "off");
    for (setup, name) in [(off, None), (Setup::public(), Some("https://app.example.com"))] {
        let app = setup.start().await;
        let visitor = || match name {
            Some(name) => Browser::new().with_host(name, app.address),
            None => Browser::new(),
        };
        let mut browser = visitor();
        for path in DEMO_PATHS {
            let page = browser.get(&app.url(path)).await;
            assert_no_demo(&page.expect_error(404, "not_found"));
        }
        for path in ["/", "/sign-in", "/sign-up", "/forgot", "/errors", "/docs"] {
            assert_no_demo(&browser.get(&app.url(path)).await.expect(200));
        }
        let page = browser.get(&app.url("/sign-in")).await;
        assert!(!page.body.contains("strategy"), "{}", page.body);
        assert_eq!(sign_up(&mut browser, &app).await.status, 303);
        let fields = [("email", ADA), ("password", PASSWORD)];
        let page = browser.post(&app.url("/sign-in"), &fields).await;
        assert_eq!(page.status, 303, "{}", page.summary());
        for path in ["/", "/account", "/connections"] {
            assert_no_demo(&browser.get(&app.url(path)).await.expect(200));
        }
    }
}

#[cfg(feature = "demo")]
#[tokio::test]
async fn demo_home_page_has_no_broken_links() {
    for setup in [Setup::new(), Setup::public().set("DEMO", "on")] {
        let app = setup.start().await;
        let mut browser = Browser::new().with_host("https://app.example.com", app.address);
        let home = browser.get(&app.url("/")).await.expect(200);
        let links: Vec<_> = home.body.split("href=\"").skip(1).collect();
        let ours = links.iter().filter_map(|link| link.split('"').next());
        let ours: Vec<_> = ours.filter(|path| path.starts_with('/')).collect();
        for path in ["/sign-in", "/compare", "/docs"] {
            assert!(ours.contains(&path), "{path} is not among {ours:?}");
        }
        for path in ours {
            let page = browser.get(&app.url(path)).await;
            assert!(matches!(page.status, 200 | 401), "{path}: {}", page.status);
        }
    }
}

/// An error page does not know who asks, so its header suits everyone.
#[tokio::test]
async fn header_never_looks_signed_out_to_a_signed_in_user() {
    let app = Latchkey::start().await;
    let (mut visitor, mut user) = (Browser::new(), Browser::new());
    user.sign_in_with(&app, "google", "ada").await;
    const SIGN_IN: &str = "href=\"/sign-in\">Sign in</a>";
    const SIGN_OUT: &str = "action=\"/sign-out\"";
    const ACCOUNT: &str = "href=\"/account\">Account</a>";
    let missing = [(ACCOUNT, true), (SIGN_IN, false), (SIGN_OUT, false)];
    for browser in [&mut visitor, &mut user] {
        let page = browser.get(&app.url("/nowhere")).await.expect_error(404, "not_found");
        assert_eq!(missing.map(|(link, _)| (link, page.body.contains(link))), missing);
    }
    let form = [("email", ADA)];
    for (browser, is_in) in [(&mut visitor, false), (&mut user, true)] {
        let forgot = app.url("/forgot");
        for page in [browser.get(&forgot).await, browser.post(&forgot, &form).await] {
            let header = page.expect(200).body;
            let header = header.split("</header>").next().expect("a header");
            assert_eq!((header.contains(SIGN_IN), header.contains(SIGN_OUT)), (!is_in, is_in));
        }
    }
}

/// Pages, e-mails, cookies and providers use the name from the settings.
#[tokio::test]
async fn custom_product_name_replaces_latchkey_everywhere() {
    let names = [
        ("PRODUCT_NAME", "Nightingale & Co"),
        ("COOKIE_PREFIX", "nightingale-co"),
        ("DEMO", "off"),
    ];
    let setup = names.into_iter().fold(Setup::new(), |setup, (name, value)| setup.set(name, value));
    let app = setup.start().await;
    let named = |page: &Page| {
        let said = format!("{:?}\n{}", page.headers, page.body);
        let ours = said.lines().find(|line| line.to_lowercase().contains("latchkey"));
        assert_eq!(ours, None, "{}", page.request);
    };
    let mut browser = Browser::new();
    let authorize = browser.start_sign_in(&app, "github").await;
    let consent = browser.get(authorize.as_str()).await.expect(200);
    assert!(consent.body.contains("Nightingale &#38; Co"), "{}", consent.body);
    browser.sign_in_with(&app, "google", "grace").await;
    let mut other = Browser::new();
    named(&sign_up(&mut other, &app).await.expect(303));
    let fields = [("email", ADA), ("password", PASSWORD)];
    named(&other.post(&app.url("/sign-in"), &fields).await.expect(303));
    let codes = latchkey_axum::errors::catalogue::ALL.iter().map(|one| one.code);
    let errors: Vec<_> = codes.map(|code| format!("/errors/{code}")).collect();
    let pages = "/ /sign-in?again=1 /sign-up /forgot /account /account/devices /account/activity \
                 /connections /outbox /docs /doctor /errors /openapi.json /nowhere /api/v1/admin/users \
                 /api/v1/me /.well-known/oauth-protected-resource";
    for path in pages.split_whitespace().chain(errors.iter().map(String::as_str)) {
        for browser in [&mut browser, &mut other, &mut Browser::new()] {
            named(&browser.get(&app.url(path)).await);
        }
    }
    let home = browser.get(&app.url("/")).await;
    assert!(home.body.contains("<title>Home · Nightingale &#38; Co</title>"), "{}", home.body);
    let carried: Vec<_> = browser.jar.all("localhost").chain(other.jar.all("localhost")).collect();
    assert!(carried.iter().all(|(name, _)| name.starts_with("nightingale-co_")), "{carried:?}");
    let sender = &app.app.settings.mail_sender.from;
    assert_eq!(sender.name.as_deref(), Some("Nightingale & Co"));
}

#[tokio::test]
async fn sign_in_credential_setting_selects_session_or_jwt() {
    for (setting, of_password) in [("", "jwt"), ("session", "session"), ("jwt", "jwt")] {
        let app = Setup::new().set("DEMO", "off").set("SIGN_IN_CREDENTIAL", setting).start().await;
        let mut browser = Browser::new();
        browser.sign_in_with(&app, "google", "grace").await;
        assert_eq!(browser.session(&app).is_some(), setting != "jwt", "OAuth: {setting:?}");
        let mut browser = Browser::new();
        let _ = sign_up(&mut browser, &app).await.expect(303);
        for (asked, carried) in [(None, of_password), (Some("session"), "session")] {
            let strategy = asked.map(|strategy| ("strategy", strategy));
            let fields = [("email", ADA), ("password", PASSWORD)].into_iter().chain(strategy);
            let page =
                accounts::submit_password(&mut browser, &app, &fields.collect::<Vec<_>>()).await;
            let session = page
                .cookies()
                .iter()
                .any(|one| one.name.starts_with("latchkey_session") && !one.is_removal());
            assert_eq!(session, carried == "session", "{setting:?}, {asked:?}");
        }
    }
}

/// One switch for both sign-in methods: a link back to the same place.
#[cfg(feature = "demo")]
#[tokio::test]
async fn demo_sign_in_page_offers_a_credential_choice() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    let page = browser.get(&app.url("/sign-in?next=%2Faccount%3Fa%3Db")).await;
    assert!(!page.body.contains("name=\"strategy\""), "{}", page.body);
    for strategy in ["session", "jwt"] {
        let chosen = format!("/sign-in?next=%2Faccount%3Fa%3Db&#38;strategy={strategy}");
        assert!(page.body.contains(&format!("href=\"{chosen}\"")), "{}", page.body);
        let page = browser.get(&app.url(&chosen.replace("&#38;", "&"))).await;
        let field = format!("name=\"strategy\" value=\"{strategy}\"");
        assert_eq!(page.body.matches(&field).count(), 4, "three providers and a password");
        assert!(page.body.contains("name=\"next\" value=\"/account?a=b\""), "{}", page.body);
    }
}

#[tokio::test]
async fn sign_out_notice_and_last_provider_are_shown() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    browser.sign_in_with(&app, "google", "ada").await;
    assert_eq!(browser.post(&app.url("/sign-out"), &[]).await.see_other(), "/");
    for told in [true, false] {
        let page = browser.get(&app.url("/")).await;
        assert_eq!(page.body.contains("You’re signed out."), told, "once");
    }
    let page = browser.get(&app.url("/sign-in")).await;
    let (before, _) = page.body.split_once("last used").expect("a hint");
    assert!(before.ends_with("Continue with Google</span><span class=\"tag tag--good\">"));
    // The parameter only changes words; it signs nobody in.
    browser.jar.set("localhost", &app.cookie("latchkey_last_used"), "\"><script>");
    let page = browser.get(&app.url("/sign-in")).await.expect(200);
    assert!(!page.body.contains("last used") && !page.body.contains("\"><script>"));
}

#[tokio::test]
async fn favicon_robots_and_preview_metadata_are_served() {
    let app = Latchkey::start().await;
    let mut browser = Browser::new();
    for (path, kind, begins) in [
        ("/favicon.ico", "image/x-icon", "\0\0\u{1}\0"),
        ("/robots.txt", "text/plain; charset=utf-8", "#"),
        ("/static/preview.png", "image/png", ""),
    ] {
        let page = browser.get(&app.url(path)).await.expect(200);
        assert_eq!(page.header("content-type"), Some(kind), "{path}");
        assert!(page.body.starts_with(begins), "{path}");
    }
    let home = browser.get(&app.url("/")).await.body;
    for part in [
        "<meta name=\"description\" content=\"",
        "<meta name=\"theme-color\" content=\"",
        &format!("<meta property=\"og:image\" content=\"{}/static/preview.png\">", app.origin),
    ] {
        assert!(home.contains(part), "{part}");
    }
    browser.sign_in_with(&app, "google", "ada").await;
    for body in [home, browser.get(&app.url("/")).await.body] {
        let (_, header) = body.split_once("<header").expect("a header");
        let (header, _) = header.split_once("</header>").expect("its end");
        let links = header.matches("<a ").count();
        assert!((2..=5).contains(&links), "{links}: {header}");
    }
}

/// A page needs one statement for the user, and one for its content.
#[tokio::test]
async fn pages_need_at_most_two_statements() {
    let app = Latchkey::start().await;
    accounts::sign_up(&app, ADA).await;
    for key in ["session", "jwt"] {
        let mut browser = accounts::signed_in(&app, ADA, key).await;
        for path in [
            "/",
            "/account",
            "/account/devices",
            "/account/activity",
            "/connections",
            "/sign-in?again=1",
            "/docs",
            "/errors",
        ] {
            let page = browser.get(&app.url(path)).await.expect(200);
            assert!(accounts::queries(&page) <= 2, "{key}, {path}: {}", accounts::queries(&page));
        }
    }
}

/// The overview is short; complete lists are on pages of their own.
#[tokio::test]
async fn long_device_and_activity_lists_are_paginated() {
    let app = Latchkey::start().await;
    accounts::sign_up(&app, ADA).await;
    let mut browser = accounts::signed_in(&app, ADA, "session").await;
    for _ in 0..11 {
        accounts::tokens(&app, ADA, None).await;
    }
    let ends = |page: &Page| page.body.matches("/end\"").count();
    let overview = browser.get(&app.url("/account")).await.expect(200);
    assert!(ends(&overview) < 11, "{}", ends(&overview));
    assert!(overview.body.contains("<a href=\"/account/devices\">2 more</a>"), "{}", overview.body);
    let devices = browser.get(&app.url("/account/devices")).await.expect(200);
    assert_eq!(ends(&devices), 11, "all but this one");
    assert!(devices.body.contains("this device"), "{}", devices.summary());

    // Sign-up, sign-in and eleven API clients; then more than a page holds.
    let rows = |page: &Page| page.body.matches("<li><div class=\"rows__main\">").count();
    let activity = browser.get(&app.url("/account/activity")).await.expect(200);
    assert_eq!(rows(&activity), 13);
    assert!(
        activity.body.contains("Signed in with a password, for a program"),
        "{}",
        activity.body
    );
    assert!(!activity.body.contains("?before="), "there is no more");
    let ada = browser.get(&app.url("/account")).await.account().id.parse().expect("an ID");
    for index in 0..40 {
        let at = app.clock.now();
        let event = Event {
            id: AuditId::new(at, [index; 10]),
            at,
            kind: Kind::PasswordChanged,
            user_id: Some(ada),
            actor: Actor::Person,
            detail: String::new(),
            address: None,
        };
        audit::record(&app.app.db, &event).await.expect("written down");
    }
    let activity = browser.get(&app.url("/account/activity")).await.expect(200);
    assert_eq!(rows(&activity), 50);
    let (_, older) = activity.body.split_once("href=\"/account/activity?before=").expect("a link");
    let (before, _) = older.split_once('"').expect("its end");
    let older = browser.get(&app.url(&format!("/account/activity?before={before}"))).await;
    assert_eq!(rows(&older.expect(200)), 3);
    let nonsense = browser.get(&app.url("/account/activity?before=x")).await;
    let _ = nonsense.expect_error(400, "bad_request");
    let _ = Browser::new()
        .get(&app.url("/account/activity"))
        .await
        .expect_error(401, "sign_in_required");
}
