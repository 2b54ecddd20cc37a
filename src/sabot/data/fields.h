// Names the members of a plain struct, once, so that code can walk over them: kernel state becomes snapshot columns,
// inputs are filled from columns, outputs become columns.
//
//   struct Scalars { double value = 0; bool seen = false; SABOT_FIELDS(Scalars, value, seen) };
//   ForEachField<Scalars>([](std::string_view name, auto member) { ... scalars.*member ... });
//
// A member left out is a compile error (FieldsCoverStruct), so no state can be forgotten in a snapshot.
#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sabot::data {

template <class Struct, class Member>
struct Field {
  std::string_view name;
  Member Struct::* member;
};

template <class T>
concept HasFields = requires { T::Fields(); };

template <HasFields T>
inline constexpr std::size_t kFieldCount = std::tuple_size_v<decltype(T::Fields())>;

// Calls function(name, member pointer) for each field, in order.
template <HasFields T, class Function>
constexpr void ForEachField(Function&& function) {
  std::apply([&](const auto&... field) { (function(field.name, field.member), ...); }, T::Fields());
}

namespace internal {

struct ConvertibleToAnything {
  template <class T>
  operator T() const;  // NOLINT(google-explicit-constructor): never defined, only asked for.
};

template <class T, std::size_t... I>
constexpr bool BraceInitializable(std::index_sequence<I...>) {
  return requires { T{{(static_cast<void>(I), ConvertibleToAnything{})}...}; };
}

}  // namespace internal

// Whether the fields named are all members of the aggregate: one initializer more than named must not fit.
template <HasFields T>
inline constexpr bool FieldsCoverStruct =
    std::is_aggregate_v<T> && internal::BraceInitializable<T>(std::make_index_sequence<kFieldCount<T>>()) &&
    !internal::BraceInitializable<T>(std::make_index_sequence<kFieldCount<T> + 1>());

}  // namespace sabot::data

#define SABOT_PARENS ()
#define SABOT_EXPAND(...) SABOT_EXPAND2(SABOT_EXPAND2(SABOT_EXPAND2(SABOT_EXPAND2(__VA_ARGS__))))
#define SABOT_EXPAND2(...) SABOT_EXPAND1(SABOT_EXPAND1(SABOT_EXPAND1(SABOT_EXPAND1(__VA_ARGS__))))
#define SABOT_EXPAND1(...) __VA_ARGS__
#define SABOT_FIELD_LIST(Type, name, ...) \
  ::sabot::data::Field{#name, &Type::name} __VA_OPT__(, SABOT_FIELD_LIST_AGAIN SABOT_PARENS(Type, __VA_ARGS__))
#define SABOT_FIELD_LIST_AGAIN() SABOT_FIELD_LIST

#define SABOT_FIELDS(Type, ...) \
  static constexpr auto Fields() { return std::tuple{SABOT_EXPAND(SABOT_FIELD_LIST(Type, __VA_ARGS__))}; }
