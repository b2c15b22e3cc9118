//! Starts ChromeDriver, which starts Chromium: in a sandbox that knows nothing of the worktree, and
//! reaches the product's ports and nothing else.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use thirtyfour::prelude::*;
use thirtyfour::{ChromiumLikeCapabilities, LoggingPrefsLogLevel};

use super::{Broken, Walk, broken};
use crate::base::text::{one_line, tail};
use crate::base::{Error, Result};
use crate::check::driver::Place;
use crate::check::{Reason, http};
use crate::disk;
use crate::process::{Capture, Command, Finished, Interrupt, Sandbox, Tier, base_env, on_path};
use crate::spec::{BrowserJourney, Viewport};

const DRIVER: &str = "chromedriver";
/// Names under which systems have the browser.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const INSTALL: &str = "install Chromium and its driver: apt-get install chromium chromium-driver (Debian, Ubuntu), dnf install chromium chromedriver (Fedora), pacman -S chromium (Arch)";
/// A command that takes longer is never answered.
const REPLY: Duration = Duration::from_secs(60);
const READY: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);
const OUTPUT_LIMIT: u64 = 64 << 20;
const DEFAULT: Viewport = Viewport { width: 1280, height: 800 };

/// A driver that runs. Its browsers end with it.
#[derive(Debug)]
pub struct Browser {
    port: u16,
    binary: String,
    ask: Interrupt,
    /// Goes away after it.
    _tmp: Option<tempfile::TempDir>,
    ends: Option<JoinHandle<Result<Finished>>>,
}

/// Starts the driver; `dir` is a folder for its files.
pub fn start(place: &Place<'_>, dir: &Path, left: Duration) -> Result<Walk<Browser>> {
    let missing = |what: &str| {
        let detail = format!("there is no {what}; {INSTALL}");
        Ok(Err(Broken { reason: Reason::MissingTool, detail }))
    };
    let Some(driver) = on_path(DRIVER) else { return missing(DRIVER) };
    let Some(binary) = BROWSERS.iter().find_map(|name| on_path(name)) else {
        return missing("Chromium");
    };
    let lease = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let lease = lease.map_err(|e| Error::machine("there is no free port").because(e))?;
    let port = lease.local_addr().map_err(|e| Error::machine("a port").because(e))?.port();
    let home = dir.join("home");
    disk::place_dir(&home)?;
    let containment = place.containment;
    // Chromium's sockets lie in its temporary folder, and their paths have at most 107 bytes (unix(7)).
    let (tmp, short) = match containment.tier {
        // That is /tmp inside.
        Tier::Bwrap => (dir.join("tmp"), None),
        Tier::Worktree | Tier::Landlock => {
            let made = tempfile::Builder::new().prefix("otto-").tempdir();
            let made = made.map_err(|e| Error::machine("cannot make a folder").because(e))?;
            (made.path().to_owned(), Some(made))
        }
    };
    disk::place_dir(&tmp)?;
    let sandbox = Sandbox::new(containment.tier, containment.network, &home, &tmp)
        .read(containment.read.iter().cloned())
        .expose([port])
        .reach(place.running.ports());
    let mut env = base_env();
    env.insert("TZ".into(), "UTC".into());
    env.insert("LANG".into(), "C.UTF-8".into());
    env.insert("HOME".into(), home.clone().into());
    env.insert("TMPDIR".into(), tmp.into());
    let ask = Interrupt::default();
    let argv = [driver.into_os_string(), format!("--port={port}").into()];
    let command = Command::new(argv, dir, env)
        .sandbox(sandbox)
        .timeout(left)
        .output_limit(OUTPUT_LIMIT)
        .interrupt(&ask, Duration::from_millis(500));
    let output = dir.join("driver.log");
    let capture = Capture::Merged(output.clone());
    drop(lease);
    let ends = std::thread::Builder::new()
        .name("browser".into())
        .spawn(move || command.run(capture))
        .map_err(|e| Error::machine("cannot start a thread").because(e))?;
    let binary = binary.to_string_lossy().into_owned();
    let mut browser = Browser { port, binary, ask, _tmp: short, ends: Some(ends) };
    let until = Instant::now() + READY.min(left);
    loop {
        if http::get(&browser.url("/status"), Duration::from_secs(2)).is_ok_and(|s| s == 200) {
            return Ok(Ok(browser));
        }
        crate::process::stop::check()?;
        if browser.is_over() || Instant::now() >= until {
            browser.end()?;
            let said = disk::read_if_there(&output)?.unwrap_or_default();
            let said = tail(&String::from_utf8_lossy(&said), 400);
            let detail = format!("{DRIVER} did not start: {}", one_line(&said, 200));
            return Ok(Err(Broken { reason: Reason::ToolError, detail }));
        }
        std::thread::sleep(LOOK);
    }
}

impl Browser {
    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn is_over(&self) -> bool {
        self.ends.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn end(&mut self) -> Result<()> {
        self.ask.trip();
        match self.ends.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended.map(drop),
            Some(Err(_)) => Err(Error::bug("the browser's thread panicked")),
        }
    }

    /// A fresh browser, with a profile of its own.
    pub(super) async fn session(&self, journey: &BrowserJourney) -> Walk<WebDriver> {
        let capabilities = self.capabilities(journey).map_err(|e| broken(&e))?;
        // A proxy that this process is told of is for the world outside.
        let client = reqwest::Client::builder().no_proxy().timeout(REPLY).build();
        let client = client.map_err(|e| {
            let detail = format!("no client for {DRIVER}: {e}");
            Broken { reason: Reason::ToolError, detail }
        })?;
        let builder = WebDriver::builder(self.url(""), capabilities).client(client);
        builder.connect().await.map_err(|e| broken(&e))
    }

    fn capabilities(
        &self,
        journey: &BrowserJourney,
    ) -> WebDriverResult<thirtyfour::common::capabilities::chrome::ChromeCapabilities> {
        let Viewport { width, height } = journey.viewport.unwrap_or(DEFAULT);
        let mut chrome = DesiredCapabilities::chrome();
        chrome.set_binary(&self.binary)?;
        for argument in [
            "--headless=new",
            // It is in a sandbox of ours, where it can make none.
            "--no-sandbox",
            // Not by a port of its own: no sandbox has to let it make one.
            "--remote-debugging-pipe",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-proxy-server",
            // Where no sandbox keeps it, it still finds nobody but this machine.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            "--force-prefers-reduced-motion",
            "--lang=en-US",
        ] {
            chrome.add_arg(argument)?;
        }
        chrome.add_arg(&format!("--window-size={width},{height}"))?;
        chrome.set_logging_prefs("browser", LoggingPrefsLogLevel::All)?;
        chrome.set_logging_prefs("performance", LoggingPrefsLogLevel::All)?;
        Ok(chrome)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // How it ends says nothing about the product.
        drop(self.end());
    }
}
