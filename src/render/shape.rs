//! What a template may name: a description of the variables that is made from the variables' own types.
//!
//! The macro writes a structure, how it is serialised (an absent value is left out, never null: strict mode takes null for a
//! value) and its description, so that the three cannot drift apart. Knows no notice.

/// What kind of value stands behind a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Text, on one line.
    Text,
    /// A whole number.
    Number,
    /// True or false.
    Flag,
    /// A list of values of one shape.
    List(Box<Self>),
    /// Named values.
    Object(Sort, Vec<Field>),
}

/// What an object is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Not at all: only its fields are.
    Plain,
    /// By `date`, `time` or `datetime`.
    Moment,
    /// By `money`.
    Amount,
}

/// One named value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in a template.
    pub name: &'static str,
    /// What it is, from the comment on the field.
    pub about: &'static str,
    /// May be absent: a template asks with `if` before it prints it.
    pub optional: bool,
    /// Is never there in the notice at hand. Parts that several notices share may ask for it.
    pub never: bool,
    /// Its shape.
    pub shape: Shape,
}

impl Shape {
    /// The fields of an object; none of anything else.
    pub fn fields(&self) -> &[Field] {
        match self {
            Self::Object(_, fields) => fields,
            _ => &[],
        }
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// What an author would call it.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Flag => "flag",
            Self::List(_) => "list",
            Self::Object(Sort::Plain, _) => "object",
            Self::Object(Sort::Moment, _) => "moment",
            Self::Object(Sort::Amount, _) => "amount",
        }
    }
}

/// A type of which a template can be given a value.
pub trait Variable {
    /// Whether a value may be absent.
    const OPTIONAL: bool = false;

    /// Describes it.
    fn shape() -> Shape;

    /// Whether this value is absent.
    fn is_absent(&self) -> bool {
        false
    }
}

impl Variable for String {
    fn shape() -> Shape {
        Shape::Text
    }
}

impl Variable for usize {
    fn shape() -> Shape {
        Shape::Number
    }
}

impl Variable for i64 {
    fn shape() -> Shape {
        Shape::Number
    }
}

impl Variable for bool {
    fn shape() -> Shape {
        Shape::Flag
    }
}

impl<T: Variable> Variable for Option<T> {
    const OPTIONAL: bool = true;

    fn shape() -> Shape {
        T::shape()
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Variable> Variable for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

/// Declares a structure of variables: `struct Name: Sort { /// about field: Type, … }`.
macro_rules! variables {
    ($($(#[doc = $doc:literal])* $vis:vis struct $name:ident: $sort:ident {
        $(#[doc = $about:literal] $field:ident: $type:ty,)*
    })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
        $vis struct $name {
            $(
                #[doc = $about]
                #[serde(skip_serializing_if = "crate::render::shape::Variable::is_absent")]
                pub $field: $type,
            )*
        }

        impl $crate::render::shape::Variable for $name {
            fn shape() -> $crate::render::shape::Shape {
                use $crate::render::shape::{Field, Shape, Sort, Variable};
                Shape::Object(Sort::$sort, vec![$(Field {
                    name: stringify!($field),
                    about: $about,
                    optional: <$type as Variable>::OPTIONAL,
                    never: false,
                    shape: <$type as Variable>::shape(),
                },)*])
            }
        }
    )*};
}

pub(super) use variables;
