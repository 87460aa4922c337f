// What a described struct (protocol/fields.h) is made of, told at run time: where each field lies
// and how it is read and set. So a codec is one plain function over shapes, compiled once, and not
// a template that is compiled anew for every struct.
//
// shape_of<T>() costs nothing; a struct's fields are listed once, at their first use.
#pragma once

#include <span>

#include "protocol/fields.h"

namespace crossfloor {

struct StructShape;
struct ListAccess;
struct OptionalAccess;
struct VariantAccess;

struct Alternative {  // of a variant
  const char* name;
  const StructShape& (*fields)();
};

// One C++ type that may be a field. Only what fits its kind is set.
struct ValueShape {
  enum class Kind : std::uint8_t {
    boolean,
    integer,
    floating,
    text,  // std::string
    id,
    words,
    structure,
    optional,
    list,
    variant
  };
  Kind kind = Kind::boolean;
  bool is_signed = false;                   // of an integer
  std::uint32_t size = 0;                   // of numbers, enums and ids, in bytes
  std::span<const char* const> words = {};  // of an enum, by value
  const ValueShape* inner = nullptr;        // of an optional; of a list's elements
  const StructShape& (*fields)() = nullptr;
  std::span<const Alternative> alternatives = {};
  const ListAccess* list = nullptr;
  const OptionalAccess* optional = nullptr;
  const VariantAccess* variant = nullptr;
};

struct FieldShape {
  const char* name;
  std::size_t offset;  // in the struct
  const ValueShape* value;
};

struct StructShape {
  std::vector<FieldShape> fields;  // as they are visited
};

// The elements lie side by side, `stride` bytes apart, but those of a std::vector<bool>, whose
// stride is 0: these are got and set one by one.
struct ListAccess {
  std::size_t stride;
  std::size_t (*size)(const void* list);
  const void* (*items)(const void* list);
  void* (*resize)(void* list, std::size_t size);  // returns the first item
  bool (*bit)(const void* list, std::size_t index);
  void (*set_bit)(void* list, std::size_t index, bool value);
};
struct OptionalAccess {
  const void* (*get)(const void* optional);  // null if there is nothing
  void* (*emplace)(void* optional);
  void (*reset)(void* optional);
};
struct VariantAccess {
  std::size_t (*index)(const void* variant);
  const void* (*get)(const void* variant);
  void* (*emplace)(void* variant, std::size_t index);
};

template <typename F>
const ValueShape& shape_of();

// ---- how they are made -------------------------------------------------------------------------

namespace shapes_detail {

class Lister {
 public:
  Lister(const void* sample, std::size_t size, StructShape& out)
      : sample_(static_cast<const char*>(sample)), size_(size), out_(out) {}
  template <typename F>
  void operator()(const char* name, const F& field) const {
    add(name, &field, sizeof(F), shape_of<F>());
  }
  template <typename F>
  void operator()(const char* name, const F& field, const Rule&) const {
    (*this)(name, field);
  }

 private:
  void add(const char* name, const void* field, std::size_t size, const ValueShape& shape) const;

  const char* sample_;
  std::size_t size_;
  StructShape& out_;
};

template <Described T>
const StructShape& struct_shape() {
  static const StructShape shape = [] {
    StructShape out;
    T sample{};
    T::fields(sample, Lister(&sample, sizeof(T), out));
    return out;
  }();
  return shape;
}

template <NamedEnum E>
inline constexpr auto words_of = names_of(E{});

template <typename V>
inline constexpr ListAccess list_access = [] {
  ListAccess out{};
  out.size = [](const void* list) { return static_cast<const V*>(list)->size(); };
  if constexpr (std::is_same_v<V, std::vector<bool>>) {
    out.resize = [](void* list, std::size_t size) -> void* {
      static_cast<V*>(list)->assign(size, false);
      return nullptr;
    };
    out.bit = [](const void* list, std::size_t index) -> bool {
      return (*static_cast<const V*>(list))[index];
    };
    out.set_bit = [](void* list, std::size_t index, bool value) {
      (*static_cast<V*>(list))[index] = value;
    };
  } else {
    out.stride = sizeof(typename V::value_type);
    out.items = [](const void* list) -> const void* { return static_cast<const V*>(list)->data(); };
    out.resize = [](void* list, std::size_t size) -> void* {
      auto& vector = *static_cast<V*>(list);
      vector.clear();
      vector.resize(size);
      return vector.data();
    };
  }
  return out;
}();

template <typename O>
inline constexpr OptionalAccess optional_access = {
    .get = [](const void* optional) -> const void* {
      const auto& it = *static_cast<const O*>(optional);
      return it ? &*it : nullptr;
    },
    .emplace = [](void* optional) -> void* { return &static_cast<O*>(optional)->emplace(); },
    .reset = [](void* optional) { static_cast<O*>(optional)->reset(); },
};

template <typename V, std::size_t I>
void* emplace_alternative(void* variant) {
  return &static_cast<V*>(variant)->template emplace<I>();
}

template <typename V, typename Indices>
struct VariantTables;
template <typename V, std::size_t... I>
struct VariantTables<V, std::index_sequence<I...>> {
  static constexpr std::array<Alternative, sizeof...(I)> alternatives{Alternative{
      std::variant_alternative_t<I, V>::name, &struct_shape<std::variant_alternative_t<I, V>>}...};
  static constexpr std::array<void* (*)(void*), sizeof...(I)> makers{&emplace_alternative<V, I>...};
  static constexpr VariantAccess access{
      .index = [](const void* variant) { return static_cast<const V*>(variant)->index(); },
      .get = [](const void* variant) -> const void* {
        return std::visit([](const auto& one) -> const void* { return &one; },
                          *static_cast<const V*>(variant));
      },
      .emplace = [](void* variant, std::size_t index) { return makers[index](variant); },
  };
};
template <typename V>
using TablesOf = VariantTables<V, std::make_index_sequence<std::variant_size_v<V>>>;

template <typename F>
constexpr ValueShape make_shape();

template <typename F>
inline constexpr ValueShape value_shape = make_shape<F>();

template <typename F>
constexpr ValueShape make_shape() {
  using Kind = ValueShape::Kind;
  ValueShape shape;
  if constexpr (std::is_same_v<F, bool>) {
    shape.kind = Kind::boolean;
    shape.size = 1;
  } else if constexpr (std::is_same_v<F, HybridTime>) {
    static_assert(sizeof(HybridTime) == sizeof(std::uint64_t));
    shape.kind = Kind::integer;
    shape.size = 8;
  } else if constexpr (std::is_same_v<F, Duration> || std::is_same_v<F, WallTime>) {
    static_assert(sizeof(F) == sizeof(std::int64_t));  // milliseconds
    shape.kind = Kind::integer;
    shape.size = 8;
    shape.is_signed = true;
  } else if constexpr (std::is_integral_v<F>) {
    shape.kind = Kind::integer;
    shape.size = sizeof(F);
    shape.is_signed = std::is_signed_v<F>;
  } else if constexpr (std::is_floating_point_v<F>) {
    shape.kind = Kind::floating;
    shape.size = sizeof(F);
  } else if constexpr (std::is_same_v<F, std::string> || std::is_same_v<F, FreeJson>) {
    static_assert(sizeof(FreeJson) == sizeof(std::string));
    shape.kind = Kind::text;
  } else if constexpr (IdField<F>) {
    static_assert(sizeof(F) == F::size);
    shape.kind = Kind::id;
    shape.size = F::size;
  } else if constexpr (NamedEnum<F>) {
    shape.kind = Kind::words;
    shape.size = sizeof(F);
    shape.words = words_of<F>;
  } else if constexpr (OptionalField<F>) {
    shape.kind = Kind::optional;
    shape.inner = &value_shape<typename F::value_type>;
    shape.optional = &optional_access<F>;
  } else if constexpr (VectorField<F>) {
    static_assert(!OptionalField<typename F::value_type>);
    shape.kind = Kind::list;
    shape.inner = &value_shape<typename F::value_type>;
    shape.list = &list_access<F>;
  } else if constexpr (VariantField<F>) {
    shape.kind = Kind::variant;
    shape.alternatives = TablesOf<F>::alternatives;
    shape.variant = &TablesOf<F>::access;
  } else {
    static_assert(Described<F>, "a field of a type that protocol/fields.h does not list");
    shape.kind = Kind::structure;
    shape.fields = &struct_shape<F>;
  }
  return shape;
}

}  // namespace shapes_detail

template <typename F>
const ValueShape& shape_of() {
  return shapes_detail::value_shape<F>;
}

// A number or an enum of `size` bytes, as its bits; a negative one keeps its sign.
std::uint64_t load_bits(const void* from, std::size_t size, bool is_signed);
void store_bits(void* to, std::size_t size, std::uint64_t bits);
// What an enum makes of a number that is none of its words: the word "unknown", if there is one.
std::optional<std::uint64_t> unknown_word(const ValueShape& shape);

}  // namespace crossfloor
