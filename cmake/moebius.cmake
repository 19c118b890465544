# How this project compiles, and how a folder becomes a library and its tests.
# Not here: which folder depends on which (src/*/CMakeLists.txt), the flags of one instruction set
# (src/backend/cpu/kernels).

option(MOEBIUS_WERROR "Warnings are errors (the presets of g++ say yes, all else says no)" OFF)
option(MOEBIUS_FUZZ "Build tests/fuzz with libFuzzer (clang only)" OFF)
set(MOEBIUS_SANITIZE "" CACHE STRING "As -fsanitize= spells it, for every file: address,undefined or thread")

add_library(moebius_flags INTERFACE)
# N1: an fma is written out or it does not happen.
target_compile_options(moebius_flags INTERFACE -ffp-contract=off -Wall -Wextra -Wshadow -Wconversion
  -Wno-sign-conversion $<$<BOOL:${MOEBIUS_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(moebius_flags INTERFACE -Wno-restrict)  # false alarm on "literal" + string, GCC PR 105651
endif()
target_include_directories(moebius_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)

# The program and libmoebius.so are made of the same objects. Hidden symbols cannot be replaced at run time, so that -fPIC
# forbids no inlining. Beside a build with -fPIE, by turns (compare_builds.py), it costs nothing measurable: one token
# 1.018 and 0.993, sixteen 1.022 and 0.994 of the time, each within the error of the run.
add_compile_options(-fPIC -fvisibility=hidden -fvisibility-inlines-hidden)

# Sanitizers and hardening hold for every translation unit, so they are set on the directory, not on moebius_flags.
if(MOEBIUS_SANITIZE)
  add_compile_options(-fsanitize=${MOEBIUS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=${MOEBIUS_SANITIZE})
  if(MOEBIUS_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
else()
  # Checkpoints come from strangers. The stack protector guards functions with arrays on the stack, which no kernel's
  # inner loop has.
  add_compile_options($<$<CONFIG:Release>:-fstack-protector-strong>)
  add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
  add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie> -Wl,-z,relro,-z,now)
endif()

# moebius_refuse(WORD...): an error if there is one; for arguments that no keyword takes, such as a misspelled keyword.
function(moebius_refuse)
  if(ARGN)
    message(FATAL_ERROR "these arguments mean nothing here: ${ARGN}")
  endif()
endfunction()

# moebius_test(PROGRAM [THREADS] [UNSANITIZED reason] [SHARDS count] [COMMAND command...])
# makes a program that is built here a test of ctest, run from the root of the repository. With SHARDS a GoogleTest
# program becomes so many tests, NAME_1 and so on, which run side by side and each have the time of a whole test. The
# labels of a test:
#   sanitize  AddressSanitizer and UndefinedBehaviorSanitizer watch it in ./do check, unless UNSANITIZED says why not
#   threads   ThreadSanitizer does so too: THREADS says that threads run in it
# The targets sanitize_tests and threads_tests build all programs of the label, and nothing else.
add_custom_target(sanitize_tests)
add_custom_target(threads_tests)
function(moebius_test program)
  cmake_parse_arguments(ARG "THREADS" "UNSANITIZED;SHARDS" "COMMAND" ${ARGN})
  moebius_refuse(${ARG_UNPARSED_ARGUMENTS})
  if(NOT ARG_COMMAND)
    set(ARG_COMMAND ${program})
  endif()
  set(labels "")
  if(NOT ARG_UNSANITIZED)
    list(APPEND labels sanitize)
  endif()
  if(ARG_THREADS)
    list(APPEND labels threads)
  endif()
  if(ARG_SHARDS)
    foreach(shard RANGE 1 ${ARG_SHARDS})
      math(EXPR index "${shard} - 1")
      add_test(NAME ${program}_${shard} COMMAND ${ARG_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
      set_tests_properties(${program}_${shard} PROPERTIES LABELS "${labels}"
        ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${index}")
    endforeach()
  else()
    add_test(NAME ${program} COMMAND ${ARG_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${program} PROPERTIES LABELS "${labels}")
  endif()
  foreach(label ${labels})
    add_dependencies(${label}_tests ${program})
  endforeach()
endfunction()

# moebius_folder(NAME [THREADS] [UNSANITIZED reason] [SHARDS count] [EXCLUDE regex] [DEPENDS libraries...])
#   every *.cpp but *_test.cpp -> static library moebius_NAME (INTERFACE when there is none yet)
#   every *_test.cpp together  -> one GoogleTest program NAME_test; THREADS, UNSANITIZED and SHARDS are
#   moebius_test's
# Tests find files by MOEBIUS_SOURCE_DIR, an absolute path.
function(moebius_folder name)
  cmake_parse_arguments(ARG "THREADS" "UNSANITIZED;SHARDS;EXCLUDE" "DEPENDS" ${ARGN})
  moebius_refuse(${ARG_UNPARSED_ARGUMENTS})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(ARG_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${ARG_EXCLUDE}")
  endif()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  if(sources)
    add_library(moebius_${name} STATIC ${sources})
    target_link_libraries(moebius_${name} PUBLIC moebius_flags ${ARG_DEPENDS})
  else()
    add_library(moebius_${name} INTERFACE)
    target_link_libraries(moebius_${name} INTERFACE moebius_flags ${ARG_DEPENDS})
  endif()
  if(tests AND BUILD_TESTING)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE moebius_${name} GTest::gtest_main GTest::gmock rapidcheck)
    target_compile_definitions(${name}_test PRIVATE MOEBIUS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set(threads "")
    if(ARG_THREADS)
      set(threads THREADS)
    endif()
    moebius_test(${name}_test ${threads} UNSANITIZED ${ARG_UNSANITIZED} SHARDS ${ARG_SHARDS})
  endif()
endfunction()

# moebius_python_tests(PREFIX glob...): each matching file is one ctest test, run as a script (unittest.main()) with
# MOEBIUS_PROGRAM, the path of the program, in the environment. They have no labels: what they start is not sanitized.
function(moebius_python_tests prefix)
  if(NOT BUILD_TESTING)
    return()
  endif()
  file(GLOB files CONFIGURE_DEPENDS ${ARGN})
  foreach(file ${files})
    cmake_path(GET file STEM stem)
    add_test(NAME ${prefix}_${stem} COMMAND python3 -B ${file} -v WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${prefix}_${stem} PROPERTIES ENVIRONMENT "MOEBIUS_PROGRAM=${CMAKE_BINARY_DIR}/moebius")
  endforeach()
endfunction()
