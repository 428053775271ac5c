//! Single values by name: the caller's name, the sign-in, settings of this device.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::database::{Database, VALUES};
use super::error::StorageError;

#[derive(Serialize, Deserialize)]
struct ValueRow<Value> {
    name: String,
    value: Value,
}

impl Database {
    /// The value of this name.
    pub async fn value<Value: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<Value>, StorageError> {
        let row: Option<ValueRow<Value>> = self.read(VALUES, name).await?;
        Ok(row.map(|row| row.value))
    }

    /// Stores a value under a name; complete means on disk.
    pub async fn set_value<Value: Serialize>(
        &self,
        name: &str,
        value: &Value,
    ) -> Result<(), StorageError> {
        let name = name.to_owned();
        self.write(VALUES, &ValueRow { name, value }).await
    }

    /// Forgets a value.
    pub async fn remove_value(&self, name: &str) -> Result<(), StorageError> {
        self.erase(VALUES, name).await
    }
}
