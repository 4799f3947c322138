//! Proving, registering and taking off a number, and its PIN.

use axum::extract::Request;
use axum::response::Response;

use super::done;
use super::error::GraphError;
use super::given::Given;
use crate::cloud::{Cloud, Number};
use crate::standing::NumberOrder;

/// Six digits, as a text or as a number.
fn six_digits(given: &Given, name: &str) -> Result<String, GraphError> {
    let value = given.value(name).ok_or_else(|| GraphError::required(name))?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let is_good = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_good.then_some(text).ok_or_else(|| GraphError::parameter(format_args!("Param {name} must be 6 digits long.")))
}

fn stand(cloud: &Cloud, number: &Number, status: &str) {
    let order = NumberOrder { status: Some(status.to_owned()), ..NumberOrder::default() };
    cloud.order_number(&number.id, order).expect("the number and the status are known");
}

/// `POST /{number}/request_code`
pub(crate) async fn request_code(cloud: &Cloud, number: &Number, request: Request) -> Result<Response, GraphError> {
    let given = Given::read(request).await?;
    if !matches!(given.required("code_method")?, "SMS" | "VOICE") {
        return Err(GraphError::not_one_of("code_method", "SMS, VOICE"));
    }
    given.required("language")?;
    cloud.belongings.of(number.place, |owned| owned.code_is_out = true);
    Ok(done())
}

/// `POST /{number}/verify_code`: the code is the last six digits of the number.
pub(crate) async fn verify_code(cloud: &Cloud, number: &Number, request: Request) -> Result<Response, GraphError> {
    let code = six_digits(&Given::read(request).await?, "code")?;
    let is_right = cloud.belongings.of(number.place, |owned| {
        let is_right = owned.code_is_out && number.display.ends_with(&code);
        owned.code_is_out &= !is_right;
        is_right
    });
    if !is_right {
        return Err(GraphError::parameter("The verification code is incorrect or has expired."));
    }
    if cloud.standings.of(number.place).status == "UNVERIFIED" {
        stand(cloud, number, "DISCONNECTED");
    }
    Ok(done())
}

/// `POST /{number}/register`
pub(crate) async fn register(cloud: &Cloud, number: &Number, request: Request) -> Result<Response, GraphError> {
    let given = Given::read(request).await?;
    given.check_product()?;
    let pin = six_digits(&given, "pin")?;
    let status = cloud.standings.of(number.place).status;
    if status == "UNVERIFIED" {
        return Err(GraphError::of(133_006));
    }
    let now_us = cloud.clock.now_us();
    let registered = cloud.belongings.of(number.place, |owned| {
        owned.count_registration(now_us)?;
        owned.check_pin(&pin, now_us)
    });
    registered.map_err(GraphError::of)?;
    if matches!(status.as_str(), "DISCONNECTED" | "PENDING") {
        stand(cloud, number, "CONNECTED");
        cloud.flow_keys.outdate(number.place);
    }
    Ok(done())
}

/// `POST /{number}/deregister`
pub(crate) fn deregister(cloud: &Cloud, number: &Number) -> Result<Response, GraphError> {
    if cloud.standings.refuses(number.place) == Some(133_010) {
        return Err(GraphError::of(133_010));
    }
    let now_us = cloud.clock.now_us();
    cloud.belongings.of(number.place, |owned| owned.count_registration(now_us)).map_err(GraphError::of)?;
    stand(cloud, number, "DISCONNECTED");
    Ok(done())
}

/// `POST /{number}` with its new PIN.
pub(crate) fn set_pin(cloud: &Cloud, number: &Number, given: &Given) -> Result<Response, GraphError> {
    let pin = six_digits(given, "pin")?;
    cloud.belongings.of(number.place, |owned| owned.pin = pin);
    Ok(done())
}
