//! Behind common proxies with the configurations in `deploy`: TLS with a test CA, and curl as the
//! browser, which enforces the rules of `__Host-` cookies.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use latchkey_tests::accounts::PASSWORD;
use latchkey_tests::{Issuer, Latchkey, Setup, free_port};
use tempfile::TempDir;
use url::Url;

const HOST: &str = "app.example.com";

/// The address of curl: neither the proxy's nor a trusted one.
const CLIENT: &str = "127.0.0.2";

/// For openssl: a new key.
const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (said, wrong) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}{wrong}");
    said.into_owned()
}

fn openssl(folder: &Path, arguments: &str) {
    run(Command::new("openssl").current_dir(folder).args(arguments.split(' ')));
}

fn deployed(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    std::fs::read_to_string(root.join("deploy").join(name)).expect("a configuration")
}

/// A proxy with a certificate in front of a Latchkey with a provider.
struct Site {
    app: Latchkey,
    issuer: Issuer,
    proxy: Child,
    https: u16,
    http: u16,
    folder: TempDir,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

impl Site {
    /// `start` gets the folder, and the configuration with the ports, folder and app address of
    /// this test.
    async fn behind(configuration: &str, start: fn(&Path, &str) -> Command) -> Self {
        let (folder, https, http) =
            (tempfile::tempdir().expect("a folder"), free_port(), free_port());
        let path = folder.path();
        openssl(
            path,
            &format!("req -x509 {KEY} -keyout ca.key -out ca.pem -days 2 -subj /CN=Authority"),
        );
        openssl(
            path,
            &format!(
                "req {KEY} -keyout site.key -out site.csr -subj /CN={HOST} -addext subjectAltName=DNS:{HOST}"
            ),
        );
        openssl(
            path,
            "x509 -req -in site.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -days 2 -out site.pem",
        );
        let both = ["site.pem", "site.key"].map(|name| std::fs::read(path.join(name)).expect("it"));
        std::fs::write(path.join("site-and-key.pem"), both.concat()).expect("a file");

        let issuer = Issuer::start().await;
        let app = Setup::public()
            .set("PUBLIC_URL", format!("https://{HOST}:{https}"))
            .set("TRUSTED_PROXIES", "127.0.0.1")
            .with_issuer(&issuer)
            .start()
            .await;
        let configuration = [
            ("127.0.0.1:3000", app.address.to_string()),
            ("/etc/ssl/latchkey", path.display().to_string()),
            ("listen 443", format!("listen 127.0.0.1:{https}")),
            ("listen 80", format!("listen 127.0.0.1:{http}")),
            ("bind :443", format!("bind 127.0.0.1:{https}")),
            ("bind :80", format!("bind 127.0.0.1:{http}")),
            ("https://app.example.com", format!("https://{HOST}:{https}")),
        ]
        .iter()
        .fold(deployed(configuration), |text, (ours, its)| text.replace(ours, its));
        let mut command = start(path, &configuration);
        let proxy = command.stdout(Stdio::null()).spawn();
        let proxy = proxy.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let site = Self { app, issuer, proxy, https, http, folder };
        for _ in 0..200 {
            let alive = site.curl(&["-o", "/dev/null", &site.app.url("/healthz")]).output();
            if alive.is_ok_and(|output| output.stdout == b"200 ") {
                return site;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{configuration}: nobody answers");
    }

    fn jar(&self) -> PathBuf {
        self.folder.path().join("cookies")
    }

    /// Returns the status and the `Location`.
    fn curl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--show-error",
            "--globoff",
            "--noproxy",
            "*",
            "--interface",
            CLIENT,
        ]);
        for port in [self.https, self.http] {
            command.args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")]);
        }
        let authority = self.folder.path().join("ca.pem");
        command.arg("--cacert").arg(authority);
        command.arg("--cookie").arg(self.jar()).arg("--cookie-jar").arg(self.jar());
        command.args(["--write-out", "%{http_code} %{redirect_url}"]).args(arguments);
        command
    }

    /// Status, a space, and the `Location`.
    fn call(&self, url: &str, arguments: &[&str]) -> String {
        run(&mut self.curl(&[&["-o", "/dev/null", url][..], arguments].concat()))
    }

    fn post(&self, path: &str, form: &str) -> String {
        let origin = format!("Origin: {}", self.app.origin);
        self.call(&self.app.url(path), &["--data", form, "--header", &origin])
    }

    fn is_signed_in(&self) -> bool {
        self.call(&self.app.url("/account"), &[]).starts_with("200")
    }

    /// Everything that depends on the proxy.
    fn works(&self) {
        // http redirects to https.
        let plain = format!("http://{HOST}:{}/sign-in?next=%2Fdocs", self.http);
        assert_eq!(
            self.call(&plain, &[]),
            format!("308 {}", self.app.url("/sign-in?next=%2Fdocs"))
        );

        // Sign-in with a provider, and sign-out.
        assert!(!self.is_signed_in());
        let out = self.post("/auth/acme", "");
        let authorize = out.strip_prefix("303 ").expect("a redirect");
        let callback = self.issuer.approve(&Url::parse(authorize).expect("a URL"));
        let back = self.call(callback.as_str(), &["--header", "Sec-Fetch-Site: cross-site"]);
        assert_eq!(back, format!("303 {}", self.app.url("/account")));
        assert!(self.is_signed_in());
        let cookies = std::fs::read_to_string(self.jar()).expect("cookies");
        assert!(cookies.contains("__Host-latchkey_session"), "{cookies}");
        assert_eq!(self.post("/sign-out", ""), format!("303 {}", self.app.url("/")));
        assert!(!self.is_signed_in());

        // Sign-in with a password and either credential; the recorded address is the client's,
        // whatever the client claims.
        let password = PASSWORD.replace(' ', "+");
        let account = format!("email=ada@example.test&password={password}");
        let signed_up = self.post("/sign-up", &format!("name=Ada&{account}"));
        assert!(signed_up.starts_with("303"), "{signed_up}");
        for key in ["session", "jwt"] {
            let form = format!("{account}&strategy={key}");
            let lies = [
                "--data",
                form.as_str(),
                "--header",
                "X-Forwarded-For: 203.0.113.9",
                "--header",
                "Forwarded: for=203.0.113.9",
            ];
            let signed_in = self.call(&self.app.url("/sign-in"), &lies);
            assert_eq!(signed_in, format!("303 {}", self.app.url("/account")));
            assert!(self.is_signed_in(), "{key}");
        }
        let sessions = run(&mut self.curl(&[&self.app.url("/api/v1/sessions")]));
        assert!(sessions.contains(&format!("\"address\":\"{CLIENT}\"")), "{sessions}");
        assert!(!sessions.contains("203.0.113.9"), "{sessions}");

        // Cross-site requests are refused here, too.
        let foreign = ["--data", "", "--header", "Origin: https://evil.test"];
        assert!(self.call(&self.app.url("/sign-out"), &foreign).starts_with("403"));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs nginx: tests/run"]
async fn sign_in_works_behind_nginx() {
    let site = Site::behind("nginx.conf", |folder, site| {
        let own = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {own}/{what};"))
            .concat();
        let whole = format!(
            "daemon off; master_process off; pid {own}/nginx.pid; error_log {own}/error.log;\n\
             events {{}}\nhttp {{ access_log off; {temporary}\n{site}\n}}\n"
        );
        std::fs::write(folder.join("nginx.conf"), whole).expect("a file");
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
        command.arg("-e").arg(folder.join("error.log"));
        command
    });
    site.await.works();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs HAProxy: tests/run"]
async fn sign_in_works_behind_haproxy() {
    let site = Site::behind("haproxy.cfg", |folder, whole| {
        std::fs::write(folder.join("haproxy.cfg"), whole).expect("a file");
        let mut command = Command::new("/usr/sbin/haproxy");
        command.arg("-db").arg("-f").arg(folder.join("haproxy.cfg"));
        command
    });
    site.await.works();
}
