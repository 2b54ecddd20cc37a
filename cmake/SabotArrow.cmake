# Finds Apache Arrow where Python keeps it: headers and libraries inside the pyarrow wheel. One imported target a library:
# Sabot::arrow, Sabot::arrow_compute, Sabot::parquet, ... So a process that also imports pyarrow holds one Arrow only.
#
# Python_EXECUTABLE chooses the interpreter. An installed Sabot reads this file too, and then insists on the Arrow it was
# built with (SABOT_ARROW_SO_VERSION).
include_guard(GLOBAL)

if(SABOT_BUILD_PYTHON)
  find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)
else()
  find_package(Python 3.11 REQUIRED COMPONENTS Interpreter)
endif()

# By module spec, not by import: nothing of pyarrow runs, and nothing it depends on is needed.
execute_process(
  COMMAND "${Python_EXECUTABLE}" -c
          "import importlib.util; print(importlib.util.find_spec('pyarrow').submodule_search_locations[0])"
  RESULT_VARIABLE sabot_arrow_missing
  OUTPUT_VARIABLE sabot_arrow_dir
  ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
if(sabot_arrow_missing OR NOT EXISTS "${sabot_arrow_dir}/include/arrow/util/config.h")
  message(FATAL_ERROR "pyarrow is not installed for ${Python_EXECUTABLE}, and Sabot links the Arrow inside it. "
                      "Run 'make setup', or install pyarrow there, or name another interpreter: "
                      "-DPython_EXECUTABLE=/path/to/python")
endif()

file(STRINGS "${sabot_arrow_dir}/include/arrow/util/config.h" sabot_arrow_so REGEX "define ARROW_SO_VERSION ")
string(REGEX REPLACE ".*\"([0-9]+)\".*" "\\1" sabot_arrow_so "${sabot_arrow_so}")
if(DEFINED SABOT_ARROW_SO_VERSION AND NOT SABOT_ARROW_SO_VERSION STREQUAL sabot_arrow_so)
  message(FATAL_ERROR "This Sabot was built with libarrow.so.${SABOT_ARROW_SO_VERSION}, but ${sabot_arrow_dir} holds "
                      "libarrow.so.${sabot_arrow_so}. Install the pyarrow it was built with, or build Sabot again.")
endif()
set(SABOT_ARROW_SO_VERSION "${sabot_arrow_so}")
set(SABOT_ARROW_DIR "${sabot_arrow_dir}")

foreach(name IN ITEMS arrow arrow_compute arrow_acero arrow_dataset arrow_flight arrow_s3 parquet)
  set(library "${SABOT_ARROW_DIR}/lib${name}.so.${SABOT_ARROW_SO_VERSION}")
  if(EXISTS "${library}" AND NOT TARGET Sabot::${name})
    add_library(Sabot::${name} SHARED IMPORTED)
    set_target_properties(
      Sabot::${name}
      PROPERTIES IMPORTED_LOCATION "${library}"
                 IMPORTED_SONAME "lib${name}.so.${SABOT_ARROW_SO_VERSION}"
                 INTERFACE_INCLUDE_DIRECTORIES "${SABOT_ARROW_DIR}/include")
    if(NOT name STREQUAL "arrow")
      set_target_properties(Sabot::${name} PROPERTIES INTERFACE_LINK_LIBRARIES Sabot::arrow)
    endif()
  endif()
endforeach()
if(NOT TARGET Sabot::arrow)
  message(FATAL_ERROR "${SABOT_ARROW_DIR} has no libarrow.so.${SABOT_ARROW_SO_VERSION}: a pyarrow wheel from PyPI is needed.")
endif()
message(STATUS "Arrow: ${SABOT_ARROW_DIR} (so version ${SABOT_ARROW_SO_VERSION})")
