//! The imports that contract 1 offers to a guest.

use super::bindings::triggerhouse::provider::{http, log, types};
use crate::provider::state::{CallState, LogLevel};
use wasmtime::component::{HasSelf, Linker};

pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    log::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    http::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

impl types::Host for CallState {}

impl log::Host for CallState {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Trace => LogLevel::Trace,
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.log(level, &message);
        Ok(())
    }
}

impl http::Host for CallState {
    /// Denied outside of a poll: parsing and filtering are functions of their input.
    async fn fetch(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::FetchError>> {
        let Some(fetcher) = &mut self.fetcher else {
            let reason = "only a poll may send requests";
            return Ok(Err(http::FetchError::Denied(reason.into())));
        };
        let answer = fetcher.fetch(request.into()).await;
        Ok(answer.map(Into::into).map_err(Into::into))
    }
}
