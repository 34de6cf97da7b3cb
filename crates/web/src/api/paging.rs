//! Pages of a list, by cursor.

use std::str::FromStr;

use latchkey_axum::{AppError, HandlerResult, catalogue};
use serde::Deserialize;
use utoipa::IntoParams;

const DEFAULT: u32 = 20;
const MAX: u32 = 100;

/// Which page of a list to return.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// The page size, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The previous page’s `next`.
    #[param(format = Uuid)]
    cursor: Option<String>,
}

pub(super) struct PageRequest<I> {
    pub(super) after: Option<I>,
    limit: u32,
}

impl Paging {
    pub(super) fn parse<I: FromStr>(&self) -> HandlerResult<PageRequest<I>> {
        let limit = self.limit.unwrap_or(DEFAULT);
        if !(1..=MAX).contains(&limit) {
            return Err(AppError::new(catalogue::BAD_REQUEST)
                .detail("The parameter limit must be between 1 and 100."));
        }
        let after = self.cursor.as_deref().map(str::parse).transpose();
        let after = after.map_err(|_| {
            AppError::new(catalogue::BAD_REQUEST)
                .detail("The parameter cursor must be the next value from the previous page.")
        })?;
        Ok(PageRequest { after, limit })
    }
}

impl<I> PageRequest<I> {
    /// One row more than the page, to know whether there is a next page.
    pub(super) const fn fetch_limit(&self) -> u32 {
        self.limit + 1
    }

    /// Returns the rows of the page, and the cursor of the next one.
    pub(super) fn split<T, K: ToString>(
        &self,
        mut items: Vec<T>,
        id: impl Fn(&T) -> K,
    ) -> (Vec<T>, Option<String>) {
        let limit = self.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(|last| id(last).to_string()) } else { None };
        (items, next)
    }
}
