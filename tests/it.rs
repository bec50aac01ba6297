
mod source;
