# How a folder becomes a library and its tests: every *.cpp of the folder but *_test.cpp is the library `moebius_<folder>`;
# every *_test.cpp together is one GoogleTest program `<folder>_test`.

add_library(moebius_flags INTERFACE)
# N1: an fma is written out or it does not happen.
target_compile_options(moebius_flags INTERFACE -ffp-contract=off -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
target_include_directories(moebius_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)

# moebius_folder(NAME DEPENDS libraries...)
function(moebius_folder name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  if(sources)
    add_library(moebius_${name} STATIC ${sources})
    target_link_libraries(moebius_${name} PUBLIC moebius_flags ${ARG_DEPENDS})
    set(library moebius_${name})
  endif()
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE moebius_flags ${library} ${ARG_DEPENDS} GTest::gtest_main)
    add_test(NAME ${name}_test COMMAND ${name}_test)
  endif()
endfunction()
