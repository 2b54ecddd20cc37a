# Installs Sabot from build_dir, copies the program in program_dir away from the tree, and builds and runs it there against
# the installed package alone.
file(REMOVE_RECURSE "${work_dir}")
file(MAKE_DIRECTORY "${work_dir}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${failed}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run("${CMAKE_COMMAND}" --install "${build_dir}" --prefix "${work_dir}/prefix" --component development)
file(GLOB program_files "${program_dir}/*")
file(COPY ${program_files} DESTINATION "${work_dir}/program")
run("${CMAKE_COMMAND}" -S "${work_dir}/program" -B "${work_dir}/build" -G "${generator}"
    "-DCMAKE_CXX_COMPILER=${compiler}" "-DCMAKE_PREFIX_PATH=${work_dir}/prefix" "-DPython_EXECUTABLE=${python}"
    -DCMAKE_BUILD_TYPE=Release)
run("${CMAKE_COMMAND}" --build "${work_dir}/build")
run("${work_dir}/build/outside")
if(NOT output MATCHES "outside: all is well")
  message(FATAL_ERROR "the program ran and said something else: ${output}")
endif()
message(STATUS "${output}")
