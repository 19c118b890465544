// Finding a filter by name.
#include "template/jinja/filters.h"

namespace moebius::internal::jinja {

const Builtin* find_filter(std::string_view name) {
  for (const auto table : {text_filters(), sequence_filters(), choice_filters(), number_filters()}) {
    for (const Builtin& filter : table) {
      if (filter.name == name) return &filter;
    }
  }
  return nullptr;
}

}  // namespace moebius::internal::jinja
