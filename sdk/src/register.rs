//! The macro that makes a type the component's export.

/// Exports a provider, with the interfaces that it implements: `register!(Mine: webhook)`,
/// `register!(Mine: polling)` or `register!(Mine: webhook, polling)`.
///
/// Put `#[cfg(target_family = "wasm")]` before it: the exports exist on wasm only, and
/// tests run the provider natively.
#[macro_export]
macro_rules! register {
    ($provider:ty: $($interface:ident),+) => {
        #[doc(hidden)]
        struct __Component;
        $crate::register!(@describe $provider);
        $crate::register!(@filter $provider);
        $($crate::register!(@$interface $provider);)+
    };
    (@describe $provider:ty) => {
        impl $crate::bindings::describe::exports::triggerhouse::provider::describe::Guest
            for __Component
        {
            fn info() -> $crate::contract::description::ProviderInfo {
                $crate::provider_info::<$provider>()
            }
        }
        $crate::bindings::describe::export_describe!(
            __Component with_types_in $crate::bindings::describe
        );
    };
    (@filter $provider:ty) => {
        impl $crate::bindings::filter::exports::triggerhouse::provider::filter::Guest
            for __Component
        {
            fn matches(
                event: $crate::contract::types::Event,
                configs: Vec<String>,
            ) -> Vec<$crate::contract::types::Verdict> {
                $crate::judge::<$provider>(&event, &configs)
            }
        }
        $crate::bindings::filter::export_filter!(
            __Component with_types_in $crate::bindings::filter
        );
    };
    (@webhook $provider:ty) => {
        impl $crate::bindings::webhook::exports::triggerhouse::provider::webhook::Guest
            for __Component
        {
            fn parse(
                request: $crate::contract::types::WebhookRequest,
            ) -> Result<Vec<$crate::contract::types::Event>, $crate::contract::types::ParseError>
            {
                <$provider as $crate::Webhook>::parse(request)
            }
        }
        $crate::bindings::webhook::export_webhook!(
            __Component with_types_in $crate::bindings::webhook
        );
    };
    (@polling $provider:ty) => {
        impl $crate::bindings::polling::exports::triggerhouse::provider::polling::Guest
            for __Component
        {
            fn poll(
                request: $crate::contract::types::PollRequest,
            ) -> Result<$crate::contract::types::PollPage, $crate::contract::types::PollError>
            {
                <$provider as $crate::Polling>::poll(request)
            }
        }
        $crate::bindings::polling::export_polling!(
            __Component with_types_in $crate::bindings::polling
        );
    };
}
